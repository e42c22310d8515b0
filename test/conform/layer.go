// Package conform holds suites that every implementation of a port, and every
// server that one may meet, has to pass.
package conform

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"strings"
	"sync"
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
	// Restart ends the server, waits as told, and starts it again with the data
	// it had.
	Restart func(meanwhile func())
}

// Layer runs the suite of the channel layer's client against servers that open
// makes.
func Layer(t *testing.T, open func(t *testing.T) LayerServer) {
	for name, test := range map[string]func(*testing.T, *layerBench){
		"group":       layerGroup,
		"channel":     layerChannel,
		"order":       layerOrder,
		"full":        layerFull,
		"repeat":      layerRepeat,
		"late":        layerLate,
		"odd members": layerOddMembers,
		"receive":     layerReceive,
		"undecodable": layerUndecodable,
		"crash":       layerCrash,
		"share":       layerShare,
		"close":       layerClose,
		"cancel":      layerCancel,
		"restart":     layerRestart,
		"client id":   layerClientID,
		"check":       layerCheck,

		"full and free":      layerFullAndFree,
		"full in chunks":     layerFullInChunks,
		"repeat and refuse":  layerRepeatRefused,
		"repeat and join":    layerRepeatJoined,
		"skip":               layerSkip,
		"one queue":          layerOneQueue,
		"full channel":       layerFullChannel,
		"plural":             layerPlural,
		"forced payloads":    layerForced,
		"many members":       layerManyMembers,
		"registry":           layerRegistry,
		"registry of others": layerForeignRegistry,
		"many stored":        layerManyStored,
		"bury":               layerBury,
		"bury the newest":    layerBuryNewest,
		"bury nowhere":       layerBuryNowhere,
		"replay":             layerReplay,
		"drop":               layerDrop,
		"live":               layerLive,
		"live and busy":      layerLiveBusy,
		"known session":      layerKnownSession,
		"data loss":          layerDataLoss,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := open(t)
			test(t, &layerBench{t: t, server: server, redis: kit.RedisClient(t, server.Addr)})
		})
	}
}

// layerBench is what one test works with.
type layerBench struct {
	t      *testing.T
	server LayerServer
	redis  *redis.Client
}

// client opens a client, which is closed when the test ends.
func (b *layerBench) client(change ...func(*layer.Config)) *layer.Client {
	config := layer.Config{Redis: &redis.Options{Addr: b.server.Addr}}
	for _, c := range change {
		c(&config)
	}
	c := layer.New(config, slog.New(slog.NewTextHandler(io.Discard, nil)))
	b.t.Cleanup(c.Close)
	return c
}

func layerCapacity(n int) func(*layer.Config) { return func(c *layer.Config) { c.Capacity = n } }

func layerLease(d time.Duration) func(*layer.Config) { return func(c *layer.Config) { c.Lease = d } }

// layerMortal gives a client whose process can be made to die: all that is left of
// it is what it did in Redis.
func layerMortal() (change func(*layer.Config), die func()) {
	var mu sync.Mutex
	var conns []net.Conn
	dead := false
	change = func(c *layer.Config) {
		c.Redis.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
			mu.Lock()
			defer mu.Unlock()
			if dead {
				return nil, io.ErrClosedPipe
			}
			conn, err := new(net.Dialer).DialContext(ctx, network, addr)
			if err == nil {
				conns = append(conns, conn)
			}
			return conn, err
		}
	}
	die = func() {
		mu.Lock()
		defer mu.Unlock()
		dead = true
		for _, c := range conns {
			_ = c.Close()
		}
	}
	return change, die
}

func (b *layerBench) context() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	b.t.Cleanup(cancel)
	return ctx
}

// join does as group_add does.
func (b *layerBench) join(group string, channels ...string) {
	b.t.Helper()
	now := float64(time.Now().UnixMicro()) / 1e6
	for _, c := range channels {
		if err := b.redis.ZAdd(b.context(), "asgi:group:"+group, redis.Z{Score: now, Member: c}).Err(); err != nil {
			b.t.Fatal(err)
		}
	}
}

// put does as send does, for a reader to find. Scores keep the order.
func (b *layerBench) put(bodies ...string) {
	b.t.Helper()
	now := float64(time.Now().UnixMicro()) / 1e6
	list := make([]redis.Z, len(bodies))
	for i, body := range bodies {
		list[i] = redis.Z{Score: now + float64(i)/1e6, Member: fmt.Sprintf("%012d", i) + body}
	}
	if err := b.redis.ZAdd(b.context(), "asgimqtt", list...).Err(); err != nil {
		b.t.Fatal(err)
	}
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
	list, err := b.redis.ZPopMin(b.context(), key, math.MaxInt32).Result()
	if err != nil {
		b.t.Fatal(err)
	}
	bodies := make([]messages.Map, len(list))
	for i, z := range list {
		if bodies[i], err = layer.DecodeMessage(z.Member.(string)[12:]); err != nil {
			b.t.Fatal(err)
		}
	}
	return bodies
}

func (b *layerBench) send(c *layer.Client, batch *messages.Batch) messages.Outcome {
	b.t.Helper()
	outcome, err := c.Send(b.context(), batch)
	if err != nil {
		b.t.Fatal(err)
	}
	return outcome
}

// take receives until want messages came and returns their numbers.
func (b *layerBench) take(c *layer.Client, want int) (numbers []int64, receipts []messages.Receipt) {
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
	if fmt.Sprint(got) != fmt.Sprint(want) {
		b.t.Errorf("outcome %+v, want %+v", got, want)
	}
}

func layerNames(t *testing.T, m messages.Map) string {
	t.Helper()
	v, _ := m.Get("__asgi_channel__")
	return strings.Trim(fmt.Sprint(v), "[]")
}
