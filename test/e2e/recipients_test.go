package e2e_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/runtime/mqtt"
	"chanmqttproxy/test/kit"
)

const (
	recipients = 1000
	processes  = 20
	values     = 20 // topics
	crowdName  = "crowd"
	liveFilter = "live/+"
	wideFilter = "live/#"
)

// A thousand recipients, while their topics change: each is left with the newest
// value of each topic, never shows an older one again, is replayed none twice, and nobody else gets a retained one.
func TestThousandRecipients(t *testing.T) {
	t.Parallel()
	for _, version := range []messages.Version{messages.MQTT5, messages.MQTT311} {
		t.Run(version.String(), func(t *testing.T) {
			t.Parallel()
			redis, broker := kit.Redis(t), kit.Mosquitto(t)
			w := startCrowd(t, version, redis, broker)
			device := kit.NewDevice(t, broker.Addr())
			for i := range values {
				device.Retain(fmt.Sprint("live/", i), "0")
			}
			old := []string{"specific.old!0", "specific.old!1"}
			w.join(t, old...)
			w.commands <- subscribeTo(liveFilter, "")
			kit.Eventually(t, 20*time.Second, "the crowd is subscribed", func() bool { return w.tree.Stats().Connects.Load() > 0 })
			stop := w.load(device)
			w.come(t)
			newest := stop()
			t.Cleanup(func() {
				if s := w.tree.Stats(); t.Failed() {
					t.Logf("%d tiles behind, %d recipients, %d replays under way, %d bytes, %d dropped",
						w.behind(newest), s.Recipients.Load(), s.RetainedInFlight.Load(), s.WaitingBytes.Load(), s.Overflowed.Load())
				}
			})
			kit.Eventually(t, 90*time.Second, "everybody is left with the newest values", func() bool { return w.behind(newest) == 0 })
			kit.Eventually(t, 20*time.Second, "nobody waits any more", func() bool { return w.tree.Stats().Recipients.Load() == 0 })
			w.check(t, old)
		})
	}
}

// crowd is a group with very many consumers, in several processes, behind a worker.
type crowd struct {
	redis    *redis.Client
	tree     *actors.Tree
	slot     *actors.Slot
	commands chan messages.Received
	mu       sync.Mutex
	seen     map[string]map[string]*tile // by consumer and topic
}

// tile is what one consumer shows of one topic.
type tile struct {
	value   int
	back    bool // it showed a newer one before
	replays int
	kept    int  // what the last replay brought
	twice   bool // two replays in a row brought the same
}

// crowdLayer takes the commands from the test: the rest of it is real.
type crowdLayer struct {
	layer.Client
	commands chan messages.Received
}

func (l crowdLayer) Intact(ctx context.Context) (bool, error) {
	return l.Client.Intact(ctx, "", "")
}

func (l crowdLayer) OpenReader(context.Context, int, func(error)) (actors.CommandReader, error) {
	return crowdReader{l}, nil
}

type crowdReader struct{ crowdLayer }

func (l crowdReader) Close() {}

func (l crowdReader) Receive(ctx context.Context, _ int) ([]messages.Received, error) {
	select {
	case r := <-l.commands:
		return []messages.Received{r}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l crowdLayer) Acknowledge(context.Context, []messages.Receipt) error { return nil }

// crowdMQTT has no nil *mqtt.Session in an interface.
type crowdMQTT struct{ *mqtt.Dialer }

func (d crowdMQTT) Dial(ctx context.Context, v messages.Version, sink actors.Sink) (actors.Conn, error) {
	s, err := d.Dialer.Dial(ctx, v, sink)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func startCrowd(t *testing.T, version messages.Version, r *kit.RedisServer, broker *kit.MosquittoServer) *crowd {
	t.Helper()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	client := layer.Open(layer.Config{Redis: &redis.Options{Addr: r.Addr()}, Capacity: 100_000}, log)
	w := &crowd{redis: r.Client(), commands: make(chan messages.Received, recipients), seen: map[string]map[string]*tile{}}
	dialer := mqtt.NewDialer(mqtt.Config{
		Servers: []*url.URL{broker.URL()}, KeepAlive: 30, SessionExpiry: 300,
		ClientID: func(context.Context) (string, error) { return "crowd", nil },
	})
	options := actors.Options{Layer: crowdLayer{client, w.commands}, MQTT: crowdMQTT{dialer}, Version: version, Log: log}
	w.tree = actors.New(options)
	w.slot = w.tree.Start(options)
	ctx, cancel := context.WithCancel(context.Background())
	var readers sync.WaitGroup
	for i := range processes {
		readers.Go(func() { w.read(ctx, fmt.Sprintf("asgispecific.%d!", i)) })
	}
	readers.Go(func() { w.read(ctx, "asgispecific.old!") })
	t.Cleanup(func() {
		w.slot.Shutdown()
		<-w.slot.Done()
		client.Close()
		cancel()
		readers.Wait()
	})
	return w
}

var receipts atomic.Int64

func subscribeTo(filter, recipient string) messages.Received {
	return messages.Received{Receipt: messages.Receipt(fmt.Sprint(receipts.Add(1))), Command: messages.SubscribeCommand{
		Filter: filter, Targets: []messages.Target{{Name: crowdName}}, Options: messages.Options{QoS: 1},
		Retained: recipient != "", Recipient: recipient,
	}}
}

func consumerName(i int) string { return fmt.Sprintf("specific.%d!%d", i%processes, i) }

func (w *crowd) join(t *testing.T, channels ...string) {
	t.Helper()
	for _, c := range channels {
		if err := w.redis.ZAdd(t.Context(), "asgi:group:"+crowdName, redis.Z{Score: float64(time.Now().Unix()), Member: c}).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

// come has all recipients join and subscribe within two seconds or so.
func (w *crowd) come(t *testing.T) {
	t.Helper()
	for i := range recipients {
		w.join(t, consumerName(i))
		filter := liveFilter
		if i%3 == 0 {
			filter = wideFilter
		}
		w.commands <- subscribeTo(filter, consumerName(i))
		time.Sleep(time.Millisecond)
	}
}

// load changes the values until it is stopped, and returns the newest.
func (w *crowd) load(device *kit.Device) (stop func() []int) {
	newest, end, done := make([]int, values), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for n := 1; ; n++ {
			select {
			case <-end:
				return
			case <-time.After(10 * time.Millisecond):
			}
			i := n * 7 % values
			if i == 3 {
				continue // one topic stays as it was
			}
			newest[i] = n
			device.Keep(fmt.Sprint("live/", i), byte(n%2), strconv.Itoa(n))
		}
	}()
	return func() []int {
		close(end)
		<-done
		return newest
	}
}

// read is one process of the site.
func (w *crowd) read(ctx context.Context, key string) {
	for ctx.Err() == nil {
		list, _ := w.redis.ZPopMin(ctx, key, 200).Result()
		for _, z := range list {
			m, err := layer.DecodeMessage(z.Member.(string)[12:])
			if err == nil {
				w.show(m)
			}
		}
		if len(list) == 0 {
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// show notes a message for each of those it is for.
func (w *crowd) show(m messages.Map) {
	names, _ := m.Get("__asgi_channel__")
	inner, _ := m.Get("message")
	event := inner.(messages.Map)
	topic, _ := event.Get("topic")
	payload, _ := event.Get("payload")
	retain, _ := event.Get("retain")
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range names.([]any) {
		tiles := w.seen[name.(string)]
		if tiles == nil {
			tiles = map[string]*tile{}
			w.seen[name.(string)] = tiles
		}
		shown := tiles[topic.(string)]
		if shown == nil {
			shown = &tile{value: -1, kept: -1}
			tiles[topic.(string)] = shown
		}
		value := int(payload.(int64))
		shown.back = shown.back || value < shown.value
		if retain.(bool) {
			shown.replays++
			shown.twice = shown.twice || value == shown.kept
			shown.kept = value
		}
		shown.value = value
	}
}

// behind counts the tiles that do not show the newest value.
func (w *crowd) behind(newest []int) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range recipients {
		for topic, value := range newest {
			if shown := w.seen[consumerName(i)][fmt.Sprint("live/", topic)]; shown == nil || shown.value != value {
				n++
			}
		}
	}
	return n
}

func (w *crowd) check(t *testing.T, old []string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range old {
		for topic, shown := range w.seen[name] {
			if shown.replays > 0 || shown.back {
				t.Errorf("%s, who is no recipient, got %s replayed %d times; went back: %v", name, topic, shown.replays, shown.back)
			}
		}
	}
	replays, back, twice := 0, 0, 0
	for i := range recipients {
		for _, shown := range w.seen[consumerName(i)] {
			replays += shown.replays
			if shown.back {
				back++
			}
			if shown.twice {
				twice++
			}
		}
	}
	if back > 0 || twice > 0 || replays < recipients {
		t.Errorf("of %d tiles %d went back to an older value, %d got a value twice; %d replays", recipients*values, back, twice, replays)
	}
	t.Logf("%d replays for %d recipients, %d live messages", replays, recipients, w.tree.Stats().Received.Load())
}
