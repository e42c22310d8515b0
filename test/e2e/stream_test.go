package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/kit"
)

// streamReader reads a stream of four partitions as the consumer group does.
type streamReader struct {
	t    *testing.T
	key  string
	keys []string // for the encryption
	db   *redis.Client
	stop chan struct{}
	done sync.WaitGroup

	mu  sync.Mutex
	got map[string][]string // payloads by topic
}

func readStream(t *testing.T, addr, name string, keys ...string) *streamReader {
	t.Helper()
	r := &streamReader{
		t: t, key: "chanmqttproxy:asgi:mqtt:stream:" + name, keys: keys, db: kit.RedisClient(t, addr),
		stop: make(chan struct{}), got: map[string][]string{},
	}
	for k := range 4 {
		r.done.Go(func() { r.read(fmt.Sprintf("%s:1:%d", r.key, k)) })
	}
	t.Cleanup(r.end)
	return r
}

func (r *streamReader) end() {
	select {
	case <-r.stop:
	default:
		close(r.stop)
	}
	r.done.Wait()
}

// read takes one entry after the other, first those that it has not finished.
func (r *streamReader) read(key string) {
	ctx := r.t.Context()
	for from := "0"; ; {
		select {
		case <-r.stop:
			return
		default:
		}
		list, err := r.db.XReadGroup(ctx, &redis.XReadGroupArgs{Group: "handlers", Consumer: "e2e", Streams: []string{key, from}, Count: 16, Block: -1}).Result()
		if err != nil || len(list) == 0 || len(list[0].Messages) == 0 {
			if err == nil || err == redis.Nil {
				from = ">"
			} else {
				from = "0" // Redis is away, or there is nothing yet
			}
			time.Sleep(5 * time.Millisecond)
			continue
		}
		for _, entry := range list[0].Messages {
			r.take(entry.Values["body"].(string))
			pipe := r.db.TxPipeline()
			pipe.XAck(ctx, key, "handlers", entry.ID)
			pipe.XDel(ctx, key, entry.ID)
			if _, err := pipe.Exec(ctx); err != nil {
				from = "0"
				break
			}
		}
	}
}

func (r *streamReader) take(body string) {
	m, err := layer.Config{EncryptionKeys: r.keys}.DecodeEntry(body)
	if err != nil {
		r.t.Error(err)
		return
	}
	e := kit.Event(r.t, m)
	topic := fmt.Sprint(value(e, "topic"))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got[topic] = append(r.got[topic], fmt.Sprint(value(e, "payload")))
}

func (r *streamReader) payloads(topic string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got[topic])
}

// expect waits for exactly these payloads of a topic.
func (r *streamReader) expect(topic string, want ...string) {
	r.t.Helper()
	kit.Eventually(r.t, 30*time.Second, fmt.Sprintf("%q of %s", want, topic), func() bool { return len(r.payloads(topic)) >= len(want) })
	if got := r.payloads(topic); !slices.Equal(got, want) {
		r.t.Errorf("got %q, want %q", got, want)
	}
}

// expectFirst waits for a first payload of a topic.
func (r *streamReader) expectFirst(topic, want string) {
	r.t.Helper()
	kit.Eventually(r.t, 30*time.Second, "something of "+topic, func() bool { return len(r.payloads(topic)) > 0 })
	if got := r.payloads(topic)[0]; got != want {
		r.t.Errorf("the first is %s", got)
	}
}

// streamLength is how many messages are in a stream.
func streamLength(t *testing.T, server *kit.RedisServer, name string) (n int64) {
	db := server.Client()
	defer db.Close()
	for k := range 4 {
		n += db.XLen(t.Context(), fmt.Sprintf("chanmqttproxy:asgi:mqtt:stream:%s:1:%d", name, k)).Val()
	}
	return n
}

func streaming(verb, filter, stream string, more ...messages.Pair) messages.Map {
	return append(messages.Map{{Key: "type", Value: "mqtt." + verb}, {Key: "topic", Value: filter}, {Key: "stream", Value: stream}}, more...)
}

// answerTo asks a command, and returns its answer.
func answerTo(t *testing.T, site *kit.Django, command messages.Map) messages.Map {
	t.Helper()
	site.Send(append(command, messages.Pair{Key: "reply_channel", Value: site.Channel()}, messages.Pair{Key: "id", Value: "1"}))
	var answer messages.Map
	kit.Eventually(t, 30*time.Second, "an answer", func() bool {
		for _, m := range site.Read(20 * time.Millisecond) {
			if value(m, "id") == "1" {
				answer = m
			}
		}
		return answer != nil
	})
	return answer
}

// TestStream: what is subscribed for a stream is there in order, by a session of its own,
// which is there for as long as somebody wants it; a killed worker is succeeded.
func TestStream(t *testing.T) {
	t.Parallel()
	redisServer, broker := kit.Redis(t), kit.Mosquitto(t, "log_type all")
	worker := run(t, redisServer, broker.URL(), "MQTT_CLIENT_ID=site")
	site, sensor := kit.NewDjango(t, redisServer.Addr()), kit.NewSensor(t, broker.Addr())
	kit.NewDevice(t, broker.Addr()).Retain("house/kept", "old")
	logs(t, worker, "connected to the MQTT broker")
	if strings.Contains(broker.Output(), "site-stream") {
		t.Error("there is a session for streams that nobody wants")
	}
	a := answerTo(t, site, streaming("subscribe", "house/#", "s", messages.Pair{Key: "qos", Value: int64(1)}, messages.Pair{Key: "retained", Value: "send"}))
	if value(a, "type") != "mqtt.subscribed" || value(a, "stream") != "s" || value(a, "qos") != int64(1) {
		t.Fatalf("the answer is %v", a)
	}
	reader := readStream(t, redisServer.Addr(), "s")
	reader.expect("house/kept", "old")
	var want []string
	for i := range 60 {
		want = append(want, fmt.Sprint("m", i))
		sensor.Send("house/a", 1, want[i])
		if i == 20 || i == 40 {
			worker.Kill()
			worker = run(t, redisServer, broker.URL(), "MQTT_CLIENT_ID=site")
		}
	}
	kit.Eventually(t, 30*time.Second, "all come", func() bool { return slices.Contains(reader.payloads("house/a"), "m59") })
	checkOrder(t, reader.payloads("house/a"), want)
	if got := reader.payloads("house/kept"); len(got) != 1 {
		t.Errorf("the retained message came %d times", len(got))
	}
	if !strings.Contains(broker.Output(), "site-stream") {
		t.Error("streams have no session of their own")
	}
	if a := answerTo(t, site, streaming("unsubscribe", "house/#", "s")); value(a, "type") != "mqtt.unsubscribed" {
		t.Errorf("the answer is %v", a)
	}
	sensor.Send("house/a", 1, "nobody")
	kit.Eventually(t, 60*time.Second, "the session of the streams ends", func() bool {
		return strings.Contains(broker.Output(), "Received DISCONNECT from site-stream")
	})
	if a := answerTo(t, site, streaming("subscribe", "house/#", "s", messages.Pair{Key: "batch", Value: int64(2)})); value(a, "code") != "bad-value" {
		t.Errorf("the answer is %v", a)
	}
	if a := answerTo(t, site, streaming("subscribe", "house/b", "s")); value(a, "type") != "mqtt.subscribed" {
		t.Errorf("the answer is %v", a)
	}
	sensor.Send("house/b", 1, "again")
	reader.expect("house/b", "again")
	worker.Stop()
	if got := reader.payloads("house/a"); slices.Contains(got, "nobody") {
		t.Error("it came when nobody wanted it")
	}
}

// checkOrder wants all, in order but for those that came again after a kill.
func checkOrder(t *testing.T, got, want []string) {
	t.Helper()
	seen, next := map[string]bool{}, 0
	for _, p := range got {
		switch {
		case next < len(want) && p == want[next]:
			next++
		case !seen[p]:
			t.Fatalf("%s comes when %d of %d have come: %v", p, next, len(want), got)
		}
		seen[p] = true
	}
	if next < len(want) {
		t.Errorf("%d of %d have come", next, len(want))
	}
}

// TestFullStream: a stream without room waits, at nobody else's expense, and has all when
// its reader comes; one that drops has the first. A stop does not wait for it.
func TestFullStream(t *testing.T) {
	t.Parallel()
	redisServer, broker := kit.Redis(t), kit.Mosquitto(t)
	config := filepath.Join(t.TempDir(), "c.yaml")
	static := "subscriptions:\n  - {topic: full/#, stream: waits, qos: 1}\n  - {topic: full/#, stream: drops, qos: 1, overflow: drop}\n"
	if err := os.WriteFile(config, []byte(static), 0o600); err != nil {
		t.Fatal(err)
	}
	start := func(most int) *kit.WorkerProcess {
		return kit.Worker(t, []string{
			"LOG_FORMAT=text", "REDIS_URL=" + redisServer.URL(), "MQTT_HOST=" + broker.Addr(), fmt.Sprint("MQTT_STREAM_MAX_MESSAGES=", most), "SHUTDOWN_TIMEOUT=60",
		}, "run", "--config", config)
	}
	worker := start(10)
	site, sensor := kit.NewDjango(t, redisServer.Addr()), kit.NewSensor(t, broker.Addr())
	site.Join("g")
	site.Send(kit.Subscribe("full/#", "g", 1))
	in := read(t, site)
	reaches(t, kit.NewDevice(t, broker.Addr()), "full/probe", in)
	var want []string
	for i := range 100 {
		want = append(want, fmt.Sprint("n", i))
		sensor.Send("full/a", 1, want[i])
	}
	kit.Eventually(t, 30*time.Second, "the group has all", func() bool { return slices.Contains(in.all(), "n99") })
	logs(t, worker, "a stream is full")
	for _, name := range []string{"waits", "drops"} {
		kit.Eventually(t, 30*time.Second, name+" has what there is room for", func() bool { return streamLength(t, redisServer, name) == 10 })
	}
	began := time.Now()
	worker.Stop()
	if took := time.Since(began); took > 30*time.Second { // it would be 48 s
		t.Errorf("the stop took %v", took)
	}
	worker = start(1000)
	waits, drops := readStream(t, redisServer.Addr(), "waits"), readStream(t, redisServer.Addr(), "drops")
	kit.Eventually(t, 30*time.Second, "all come", func() bool { return slices.Contains(waits.payloads("full/a"), "n99") })
	checkOrder(t, waits.payloads("full/a"), want)
	drops.expectFirst("full/a", "n0")
	worker.Stop()
}

// TestStreamOnPubSub: the other back end has streams too, encrypted; what a reader could not
// do is shown, and put back.
func TestStreamOnPubSub(t *testing.T) {
	t.Parallel()
	redisServer, broker := kit.Redis(t), kit.Mosquitto(t)
	env := []string{"MQTT_HOST=" + broker.Addr(), pubSub(redisServer.URL())}
	worker := kit.Worker(t, env, "run")
	logs(t, worker, "connected to the MQTT broker") // what is published before is for nobody
	tool := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(kit.Binary(t), args...)
		cmd.Env = append(os.Environ(), env...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	tool("send", "subscribe", "topic=house/+", "stream=s", "qos=1")
	sensor, db := kit.NewSensor(t, broker.Addr()), redisServer.Client()
	sensor.Send("house/a", 1, "secret")
	key, dead := fmt.Sprintf("chanmqttproxy:asgi:mqtt:stream:s:1:%d", kit.StreamPartition("house/a", 4)), "chanmqttproxy:asgi:mqtt:stream:s:dead"
	var entries []redis.XMessage
	kit.Eventually(t, 30*time.Second, "it is in the stream", func() bool {
		entries, _ = db.XRange(t.Context(), key, "-", "+").Result()
		return len(entries) == 1
	})
	body := entries[0].Values["body"].(string)
	if strings.Contains(body, "secret") || strings.Contains(body, "house") {
		t.Error("the entry is not encrypted")
	}
	db.XAdd(t.Context(), &redis.XAddArgs{Stream: dead, Values: []any{"v", "1", "b", "1", "body", body, "reason", "ValueError", "handler", "lamp", "attempts", "3"}})
	db.XDel(t.Context(), key, entries[0].ID)
	if got := tool("dead-letters", "list"); !strings.Contains(got, "1 more of the readers of stream s: --stream s") {
		t.Errorf("the list is %s", got)
	}
	if got := tool("dead-letters", "list", "--stream", "s"); !strings.Contains(got, "house/a") || !strings.Contains(got, "lamp: ValueError (3 attempts)") || strings.Contains(got, "secret") {
		t.Errorf("the list is %s", got)
	}
	if got := tool("dead-letters", "replay", "--stream", "s"); !strings.Contains(got, "put back: 1") {
		t.Errorf("replay says %s", got)
	}
	readStream(t, redisServer.Addr(), "s", "key").expect("house/a", "secret")
	worker.Stop()
}

// TestStreamIsTakenOver: of several workers on several sessions one feeds the streams; when
// it is killed, another resumes its session.
func TestStreamIsTakenOver(t *testing.T) {
	t.Parallel()
	redisServer, broker := kit.Redis(t), kit.Mosquitto(t, "log_type all")
	env := []string{"MQTT_CLIENT_ID=site", "MQTT_SESSIONS=2"}
	workers := []*kit.WorkerProcess{run(t, redisServer, broker.URL(), env...), run(t, redisServer, broker.URL(), env...)}
	site, sensor := kit.NewDjango(t, redisServer.Addr()), kit.NewSensor(t, broker.Addr())
	if a := answerTo(t, site, streaming("subscribe", "house/#", "s", messages.Pair{Key: "qos", Value: int64(1)})); value(a, "type") != "mqtt.subscribed" {
		t.Fatalf("the answer is %v", a)
	}
	reader := readStream(t, redisServer.Addr(), "s")
	var want []string
	for i := range 90 {
		want = append(want, fmt.Sprint("m", i))
		sensor.Send("house/a", 1, want[i])
		if i%30 == 15 {
			w := workers[i/30%2]
			w.Kill()
			workers[i/30%2] = run(t, redisServer, broker.URL(), env...)
			kit.Eventually(t, 30*time.Second, want[i]+" comes", func() bool { return slices.Contains(reader.payloads("house/a"), want[i]) })
		}
	}
	kit.Eventually(t, 30*time.Second, "all come", func() bool { return slices.Contains(reader.payloads("house/a"), "m89") })
	checkOrder(t, reader.payloads("house/a"), want)
	for _, w := range workers {
		logs(t, w, "component=slots") // before that it may not hear a signal
		w.Stop()
	}
}
