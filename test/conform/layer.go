// Package conform holds suites that every implementation of a port, and every
// server that one may meet, has to pass.
package conform

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/kit"
)

// LayerServer is a Redis of one test's own.
type LayerServer struct {
	Addr string
	// Stop ends the server and Start starts it again with the data it had.
	Stop, Start func()
}

// LayerForm is a form in which the layer may be configured.
type LayerForm struct {
	// Hosts is their number; 0 means 1.
	Hosts int
	// Change, if set, makes the configuration what it is to be, but its hosts.
	Change func(*layer.Config)
}

// Layer runs the suite of the channel layer's client, configured in a form,
// against servers that open makes.
func Layer(t *testing.T, form LayerForm, open func(t *testing.T) LayerServer) {
	for name, test := range map[string]func(*testing.T, *layerBench){
		"group":       layerGroup,
		"channel":     layerChannel,
		"order":       layerOrder,
		"full":        layerFull,
		"repeat":      layerRepeat,
		"late":        layerLate,
		"odd members": layerOddMembers,
		"receive":     layerReceive,
		"same date":   layerReceiveSameDate,
		"undecodable": layerUndecodable,
		"crash":       layerCrash,
		"share":       layerShare,
		"close":       layerClose,
		"cancel":      layerCancel,
		"restart":     layerRestart,
		"client id":   layerClientID,
		"check":       layerCheck,

		"full and free":             layerFullAndFree,
		"full in chunks":            layerFullInChunks,
		"repeat and refuse":         layerRepeatRefused,
		"repeat and join":           layerRepeatJoined,
		"skip":                      layerSkip,
		"one queue":                 layerOneQueue,
		"only some":                 layerOnly,
		"full channel":              layerFullChannel,
		"plural":                    layerPlural,
		"forced payloads":           layerForced,
		"many members":              layerManyMembers,
		"registry":                  layerRegistry,
		"registry of others":        layerForeignRegistry,
		"many stored":               layerManyStored,
		"dead letter":               layerDeadLetter,
		"dead letter, the newest":   layerDeadLetterNewest,
		"dead letter nowhere":       layerDeadLetterNowhere,
		"dead letter, large":        layerDeadLetterLarge,
		"dead letter within bounds": layerDeadLetterBounded,
		"dead letter for a time":    layerDeadLetterAge,
		"replay":                    layerReplay,
		"drop":                      layerDrop,
		"live":                      layerLive,
		"live and busy":             layerLiveBusy,
		"known session":             layerKnownSession,
		"from slot":                 layerFromSlot,
		"until":                     layerUntil,
		"data loss":                 layerDataLoss,

		"stream":             layerStream,
		"stream full":        layerStreamFull,
		"stream bytes":       layerStreamBytes,
		"stream repeated":    layerStreamRepeated,
		"stream generations": layerStreamGenerations,
		"stream late":        layerStreamLate,
		"stream restart":     layerStreamRestart,
		"stream unreadable":  layerStreamUnreadable,
		"stream wanted":      layerStreamWanted,
		"stream letters":     layerStreamLetters,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &layerBench{t: t, form: form}
			for range max(1, form.Hosts) {
				server := open(t)
				b.servers = append(b.servers, server)
				b.hosts = append(b.hosts, kit.RedisClient(t, server.Addr))
			}
			test(t, b)
		})
	}
}

// layerBench is what one test works with.
type layerBench struct {
	t       *testing.T
	form    LayerForm
	servers []LayerServer
	hosts   []*redis.Client
}

// all does something on every host.
func (b *layerBench) all(f func(*redis.Client) error) {
	b.t.Helper()
	for _, host := range b.hosts {
		if err := f(host); err != nil {
			b.t.Fatal(err)
		}
	}
}

// find is the host that has a key, or else the last: whatever comes to any of
// them must be found.
func (b *layerBench) find(key string) *redis.Client {
	for _, host := range b.hosts {
		if host.Exists(b.context(), key).Val() > 0 {
			return host
		}
	}
	return b.hosts[len(b.hosts)-1]
}

// keys are those of the layer, on all hosts.
func (b *layerBench) keys() (keys []string) {
	b.t.Helper()
	b.all(func(host *redis.Client) error {
		list, err := host.Keys(b.context(), "asgi*").Result()
		keys = append(keys, list...)
		return err
	})
	return keys
}

// restart restarts all servers.
func (b *layerBench) restart(meanwhile func()) {
	for _, s := range b.servers {
		s.Stop()
	}
	meanwhile()
	for _, s := range b.servers {
		s.Start()
	}
}

// client opens a client, which is closed when the test ends.
func (b *layerBench) client(change ...func(*layer.Config)) *LayerClient {
	c := NewLayerClient(layer.NewCore(b.config(change...), slog.New(slog.NewTextHandler(io.Discard, nil))))
	b.t.Cleanup(c.Close)
	return c
}

func (b *layerBench) config(change ...func(*layer.Config)) layer.Config {
	var config layer.Config
	for _, s := range b.servers {
		config.Hosts = append(config.Hosts, layer.Host{Redis: kit.RedisOptions(s.Addr)})
	}
	if b.form.Change != nil {
		b.form.Change(&config)
	}
	for _, c := range change {
		c(&config)
	}
	return config
}

func layerCapacity(n int) func(*layer.Config) { return func(c *layer.Config) { c.Capacity = n } }

func layerLease(d time.Duration) func(*layer.Config) { return func(c *layer.Config) { c.Lease = d } }

// layerMortal gives a client whose process can be made to die: all that is left of
// it is what it did in Redis.
func layerMortal() (change func(*layer.Config), die func()) {
	dial, die := kit.Mortal()
	return func(c *layer.Config) {
		for _, host := range c.Hosts {
			host.Redis.Dialer = dial
		}
	}, die
}

func (b *layerBench) context() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	b.t.Cleanup(cancel)
	return ctx
}

// join does as group_add does, on every host: who looks on the wrong one finds
// the group there too, but writes to its queues where they are not read.
func (b *layerBench) join(group string, channels ...string) {
	b.t.Helper()
	now := float64(time.Now().UnixMicro()) / 1e6
	for _, c := range channels {
		b.all(func(host *redis.Client) error {
			return host.ZAdd(b.context(), "asgi:group:"+group, redis.Z{Score: now, Member: c}).Err()
		})
	}
}

// put does as send does, for a reader to find. Scores keep the order.
func (b *layerBench) put(bodies ...string) {
	b.t.Helper()
	now := float64(time.Now().UnixMicro()) / 1e6
	list := make([]redis.Z, len(bodies))
	for i, body := range bodies {
		list[i] = redis.Z{Score: now + float64(i)/1e6, Member: fmt.Sprintf("%012d", i) + b.body(body)}
	}
	if err := b.find("asgimqtt").ZAdd(b.context(), "asgimqtt", list...).Err(); err != nil {
		b.t.Fatal(err)
	}
}

// body makes of a msgpack body what the layer has in its place; what is none
// stays as it is.
func (b *layerBench) body(body string) string {
	m, err := layer.DecodeMessage(body)
	if err != nil {
		return body
	}
	packed, err := b.config().EncodeBody(m)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(packed)
}

// layerCommand is the body of {"type": "x", "n": n}, n below 65536.
func layerCommand(n int) string {
	return "\x82\xa4type\xa1x\xa1n\xcd" + string([]byte{byte(n >> 8), byte(n)})
}

func layerCommands(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = layerCommand(i)
	}
	return list
}

// read takes all messages of a queue as the Python layer would see them.
func (b *layerBench) read(key string) []messages.Map {
	b.t.Helper()
	var list []redis.Z
	b.all(func(host *redis.Client) error {
		some, err := host.ZPopMin(b.context(), key, math.MaxInt32).Result()
		list = append(list, some...)
		return err
	})
	config := b.config()
	bodies := make([]messages.Map, len(list))
	for i, z := range list {
		var err error
		if bodies[i], err = config.DecodeBody(z.Member.(string)[12:]); err != nil {
			b.t.Fatal(err)
		}
	}
	return bodies
}

func (b *layerBench) send(c *LayerClient, batch *messages.Batch) messages.Outcome {
	b.t.Helper()
	outcome, err := c.Send(b.context(), batch)
	if err != nil {
		b.t.Fatal(err)
	}
	return outcome
}

// take receives until want messages came and returns their numbers.
func (b *layerBench) take(c *LayerClient, want int) (numbers []int64, receipts []messages.Receipt) {
	b.t.Helper()
	for len(numbers) < want {
		list, err := c.Receive(b.context(), 7)
		if err != nil {
			b.t.Fatalf("after %d of %d messages: %v", len(numbers), want, err)
		}
		for _, m := range list {
			n, _ := m.Body.Get("n")
			numbers = append(numbers, n.(int64))
			receipts = append(receipts, m.Receipt)
		}
	}
	return numbers, receipts
}

func (b *layerBench) wantNumbers(got []int64, first, n int) {
	b.t.Helper()
	for i, v := range got {
		if v != int64(first+i) {
			b.t.Fatalf("got %v, want %d in order from %d", got, n, first)
		}
	}
	if len(got) != n {
		b.t.Fatalf("got %d messages, want %d", len(got), n)
	}
}

func layerTarget(name string) messages.Target {
	return messages.Target{Kind: messages.Group, Name: name}
}

func layerEvents(first, n int) []messages.Event {
	list := make([]messages.Event, n)
	for i := range list {
		list[i].Message = &messages.Message{Topic: "t", Payload: fmt.Append(nil, first+i)}
	}
	return list
}

// layerBatch has each event travel alone.
func layerBatch(target messages.Target, events []messages.Event) *messages.Batch {
	b := &messages.Batch{Target: target}
	for _, e := range events {
		b.Bundles = append(b.Bundles, messages.Bundle{Events: []messages.Event{e}})
	}
	return b
}

// layerPayload is the payload of an event that was read.
func layerPayload(t *testing.T, m messages.Map) int64 {
	t.Helper()
	inner, ok := m.Get("message")
	if !ok {
		t.Fatalf("not an event: %v", m)
	}
	return layerInner(t, inner)
}

// layerInner is the payload of what stands under "message".
func layerInner(t *testing.T, inner messages.Value) int64 {
	t.Helper()
	body, ok := inner.(messages.Map)
	if !ok {
		t.Fatalf("not an event: %v", inner)
	}
	p, _ := body.Get("payload")
	return p.(int64)
}

// payloads are those of the events in a queue, which is emptied.
func (b *layerBench) payloads(key string) []int64 {
	b.t.Helper()
	var got []int64
	for _, m := range b.read(key) {
		got = append(got, layerPayload(b.t, m))
	}
	return got
}

func (b *layerBench) wantOutcome(got, want messages.Outcome) {
	b.t.Helper()
	got.NameBytes = 0 // which depends on the serializer
	if fmt.Sprint(got) != fmt.Sprint(want) {
		b.t.Errorf("outcome %+v, want %+v", got, want)
	}
}

func layerNames(t *testing.T, m messages.Map) string {
	t.Helper()
	v, _ := m.Get("__asgi_channel__")
	return strings.Trim(fmt.Sprint(v), "[]")
}
