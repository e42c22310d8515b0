package layer_test

import (
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/conform"
	"chanmqttproxy/test/kit"
)

// minimalRights are those that the documentation gives to a user for the worker,
// for the prefix "asgi"; pubsubRights come on top for the pub/sub back end.
var (
	minimalRights = []any{
		"~asgi*", "~chanmqttproxy:*", "&chanmqttproxy:*",
		"+ping", "+hello", "+select", "+time", "+info", "+client|tracking", "+subscribe", "+publish", "+scan",
		"+eval", "+evalsha", "+script|load", "+multi", "+exec", "+del", "+expire", "+rename",
		"+zadd", "+zcard", "+zcount", "+zrange", "+zrangebyscore", "+zrem", "+zremrangebyscore", "+zscore", "+zpopmin",
		"+get", "+set", "+hget", "+hgetall", "+hset", "+hdel", "+hscan", "+sadd", "+sismember",
		"+lpush", "+rpop", "+lindex", "+lrange", "+lrem", "+llen", "+hlen", "+hstrlen", "+hincrby",
		"+hmget", "+smembers", "+exists", "+xadd", "+xlen", "+xrange", "+xdel", "+xgroup|create",
	}
	pubsubRights = []any{
		"&mqtt", "&asgi*", "+rpush", "+pubsub|numsub", "+pubsub|channels",
	}
)

// TestMinimalRights: everything that a worker does is allowed to such a user.
func TestMinimalRights(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*layer.Config){
		"core":     func(*layer.Config) {},
		"patterns": func(c *layer.Config) { c.Capacities = []layer.Pattern{{Glob: "x*", Capacity: 1}} },
		"pub/sub":  func(c *layer.Config) { c.PubSub = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := kit.Redis(t)
			config := pubSubConfig(server)
			change(&config)
			rights := append([]any{"acl", "setuser", "worker", "reset", "on", ">secret"}, minimalRights...)
			if config.PubSub {
				rights = append(rights, pubsubRights...)
			}
			admin := server.Client()
			if err := admin.Do(t.Context(), rights...).Err(); err != nil {
				t.Fatal(err)
			}
			config.Hosts[0].Redis.Username, config.Hosts[0].Redis.Password = "worker", "secret"
			config.Until = func() time.Time { return time.Now().Add(time.Hour) }
			client := layer.Open(config, slog.New(slog.NewTextHandler(io.Discard, nil)))
			t.Cleanup(client.Close)
			doAll(t, client, admin)
			hearOthers(t, config)
			doTables(t, config)
			client.Close()
			denied, err := admin.Do(t.Context(), "acl", "log").Slice()
			if err != nil || len(denied) > 0 {
				t.Errorf("denied: %v %v", denied, err)
			}
		})
	}
}

// hearOthers does what a slot above the first does more.
func hearOthers(t *testing.T, config layer.Config) {
	t.Helper()
	config.Slot = 1
	client := layer.Open(config, slog.New(slog.DiscardHandler))
	defer client.Close()
	if _, err := client.Follow(t.Context(), make([]messages.Position, 3), false); err != nil {
		t.Error(err)
	}
}

// doTables does what the holder of the first slot does with the tables, and who follows it.
func doTables(t *testing.T, config layer.Config) {
	t.Helper()
	config.Epoch = 1
	client := layer.Open(config, slog.New(slog.DiscardHandler))
	defer client.Close()
	if _, err := client.Restore(t.Context()); err != nil {
		t.Error(err)
	}
	s := messages.Stored{Filter: "a", Target: messages.Target{Name: "g"}}
	for _, c := range []messages.Change{{Put: &s, Session: "one"}, {Remove: &s}, {Put: &s}} {
		if _, err := client.Write(t.Context(), []messages.Change{c}); err != nil {
			t.Error(err)
		}
	}
	if intact, err := client.Intact(t.Context(), "id", "one"); !intact || err != nil {
		t.Error(intact, err)
	}
	if pages, err := client.Follow(t.Context(), make([]messages.Position, 2), true); len(pages) == 0 || err != nil {
		t.Error(pages, err)
	}
	// Another holder, and older keys.
	config.Epoch = 2
	other := layer.Open(config, slog.New(slog.DiscardHandler))
	defer other.Close()
	if _, err := other.Restore(t.Context()); err != nil {
		t.Error(err)
	}
}

// doAll does what a worker does.
func doAll(t *testing.T, client layer.Client, admin *redis.Client) {
	t.Helper()
	ctx := t.Context()
	must := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	_, err := client.Lease(ctx, messages.LeaseAsk{Worker: "w", Lease: time.Second, Sessions: 2, Held: []messages.Slot{{Number: 1, Epoch: 1}}, Release: []int{0}})
	must("lease", err)
	group := messages.Target{Name: "g"}
	must("ping", client.Ping(ctx))
	_, err = client.Check(ctx)
	must("check", err)
	_, err = client.Prefixes(ctx)
	must("prefixes", err)
	_, err = client.ClientID(ctx, "")
	must("client id", err)
	must("remember", client.RememberSession(ctx, "x"))
	_, err = client.KnownSession(ctx, "x")
	must("known", err)
	_, err = client.Live(ctx, []messages.Target{group, {Kind: messages.Channel, Name: "asgispecific.1"}})
	must("live", err)
	admin.ZAdd(ctx, "asgi:group:g", redis.Z{Score: float64(time.Now().Unix()), Member: "specific.1!x"})
	event := alone(messages.Event{Message: &messages.Message{Topic: "t"}})
	for _, b := range []*messages.Batch{
		{Target: group, Bundles: []messages.Bundle{event}},
		{Target: group, Bundles: []messages.Bundle{event}, Queue: &messages.Queue{Name: "specific.1!", Members: []string{"specific.1!x"}}},
	} {
		for range 2 { // and again, as after an error
			_, err = client.Send(ctx, b)
			must("send", err)
		}
	}
	doStreams(t, client, admin, must)
	doCommands(t, client, admin, must)
}

// doStreams appends to a stream, in two generations of partitions, and looks after it.
func doStreams(t *testing.T, client layer.Client, admin *redis.Client, must func(string, error)) {
	t.Helper()
	ctx, stream := t.Context(), messages.Target{Kind: messages.Stream, Name: "s"}
	stored := messages.Stored{Filter: "a", Target: stream}
	_, err := client.Restore(ctx)
	must("restore", err)
	_, err = client.Write(ctx, []messages.Change{{Put: &stored}})
	must("open a stream", err)
	admin.HSet(ctx, "chanmqttproxy:asgi:mqtt:stream:s", "generations", "1:2", "bytes", 1<<40) // others, to be counted again
	for range 2 {
		event := alone(messages.Event{Message: &messages.Message{Topic: "t"}})
		_, err := client.Send(ctx, &messages.Batch{Target: stream, Bundles: []messages.Bundle{event, event}})
		must("append", err)
	}
	_, err = client.Streams(ctx)
	must("streams", err)
	_, err = client.StreamsWanted(ctx)
	must("streams wanted", err)
	body := admin.XRange(ctx, "chanmqttproxy:asgi:mqtt:stream:s:2:0", "-", "+").Val()
	for _, entry := range append(body, admin.XRange(ctx, "chanmqttproxy:asgi:mqtt:stream:s:2:3", "-", "+").Val()...) {
		admin.XAdd(ctx, &redis.XAddArgs{Stream: "chanmqttproxy:asgi:mqtt:stream:s:dead", Values: []any{"body", entry.Values["body"]}})
	}
	letters, _, err := client.StreamLetters(ctx, "s", 0, 10)
	must("letters of a stream", err)
	for _, l := range letters {
		_, err = client.RequeueStreamLetters(ctx, "s", l.ID)
		must("replay to a stream", err)
	}
	_, err = client.DropStreamLetters(ctx, "s", "1-1")
	must("drop letters of a stream", err)
}

// doCommands receives, acknowledges, writes dead letters and replays them.
func doCommands(t *testing.T, client layer.Client, admin *redis.Client, must func(string, error)) {
	t.Helper()
	ctx := t.Context()
	stop := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 0; ; i++ {
			admin.ZAdd(ctx, "asgimqtt", redis.Z{Score: float64(time.Now().Unix()), Member: "twelve byte" + string(rune('a'+i%26)) + command(i)})
			admin.Publish(ctx, "mqtt", command(i))
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	defer func() {
		close(stop)
		<-stopped
	}()
	reader := conform.NewLayerClient(client)
	receive := func() messages.Receipt {
		t.Helper()
		list, err := reader.Receive(ctx, 1)
		must("receive", err)
		return list[0].Receipt
	}
	must("acknowledge", client.Acknowledge(ctx, []messages.Receipt{receive()}))
	for range 3 {
		must("dead letter", client.AddDeadLetters(ctx, []messages.DeadLetter{{Receipt: receive(), Reason: "odd"}}))
	}
	letters, _, err := client.DeadLetters(ctx, 0, 50)
	must("dead letters", err)
	_, err = client.RequeueDeadLetters(ctx, letters[0].ID)
	must("replay", err)
	_, err = client.DropDeadLetters(ctx, letters[1].ID)
	must("drop one", err)
	_, err = client.DropDeadLetters(ctx)
	must("drop", err)
}
