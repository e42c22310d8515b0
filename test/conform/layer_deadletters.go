package conform

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/kit"
)

// deadLetter takes n messages of the command channel and makes dead letters of them, each for a
// reason with its number.
func (b *layerBench) deadLetter(c *LayerClient, n int) []messages.DeadLetter {
	b.t.Helper()
	_, receipts := b.take(c, n)
	letters := make([]messages.DeadLetter, n)
	for i, r := range receipts {
		letters[i] = messages.DeadLetter{Receipt: r, Reason: fmt.Sprint("reason ", i)}
	}
	if err := c.AddDeadLetters(b.context(), letters); err != nil {
		b.t.Fatal(err)
	}
	return letters
}

// letters are the dead letters as a stranger finds them, with the reasons
// first to last as given.
func (b *layerBench) letters(reasons ...int) []layer.DeadLetter {
	b.t.Helper()
	list, total, err := b.client().DeadLetters(b.context(), 0, 50)
	if err != nil {
		b.t.Fatal(err)
	}
	var got, want []string
	for _, l := range list {
		got = append(got, l.Reason)
	}
	for _, r := range reasons {
		want = append(want, fmt.Sprint("reason ", r))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) || total < len(got) {
		b.t.Errorf("dead letters %q, want %q", got, want)
	}
	return list
}

// layerDeadLetter takes what can be read and what cannot.
func layerDeadLetter(t *testing.T, b *layerBench) {
	c := b.client()
	publish, err := kit.Pack(nil, messages.Map{
		{Key: "type", Value: "mqtt.publish"}, {Key: "id", Value: "secret"}, {Key: "publish", Value: messages.Map{
			{Key: "topic", Value: "secret"}, {Key: "payload", Value: messages.Map{{Key: "secret", Value: "secret"}}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	b.put(string(publish), "\xc1secret", "\x81\xa4type\x01", "\x81\xa4type\xd9\x3c"+strings.Repeat("\n", 60))
	list, err := c.Receive(b.context(), 10)
	if err != nil || len(list) != 4 {
		t.Fatalf("%d messages: %v", len(list), err)
	}
	letters := []messages.DeadLetter{{Receipt: "stranger", Reason: "never was here"}}
	for i, m := range list {
		letters = append(letters, messages.DeadLetter{Receipt: m.Receipt, Reason: fmt.Sprint("reason ", i)})
	}
	for range 2 { // the second time changes nothing
		if err := c.AddDeadLetters(b.context(), letters); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{`"\n\n`, "no type {}", "not a message", "mqtt.publish {id, publish {payload, topic}}"}
	ids, head := map[string]bool{}, 0
	if len(b.hosts) > 1 {
		head = 2 // which says where it came from
	}
	for i, l := range b.letters(3, 2, 1, 0) {
		ids[l.ID] = true
		if !strings.HasPrefix(l.Preview, strings.Trim(want[i], `"`)) || strings.Contains(l.Preview, "secret") || len(l.Preview) > 150 {
			t.Errorf("preview %q, want %q", l.Preview, want[i])
		}
		if l.Size != len(list[3-i].Receipt)-head || time.Since(l.Time).Abs() > time.Minute {
			t.Errorf("letter %+v", l)
		}
	}
	if len(ids) != 4 {
		t.Errorf("ids %v", ids)
	}
	if keys := b.keys(); len(keys) != 0 {
		t.Errorf("left in flight: %q", keys)
	}
	again := b.client()
	c.Close()
	b.put(layerCommand(1))
	numbers, _ := b.take(again, 1)
	b.wantNumbers(numbers, 1, 1)
}

// layerDeadLetterNewest keeps as many as it is told.
func layerDeadLetterNewest(t *testing.T, b *layerBench) {
	c := b.client(func(c *layer.Config) { c.DeadLetters = 3 })
	b.put(layerCommands(140)...)
	b.deadLetter(c, 140)
	b.letters(139, 138, 137)
}

func layerDrop(t *testing.T, b *layerBench) {
	c := b.client()
	b.put(layerCommands(6)...)
	b.deadLetter(c, 6)
	if err := b.hosts[0].RPush(b.context(), "chanmqttproxy:asgi:mqtt:dead-letters", "not a letter").Err(); err != nil {
		t.Fatal(err)
	}
	list := b.letters(5, 4, 3, 2, 1, 0)
	drop := func(want int, ids ...string) {
		t.Helper()
		if n, err := b.client().DropDeadLetters(b.context(), ids...); n != want || err != nil {
			t.Errorf("dropped %d, want %d: %v", n, want, err)
		}
	}
	drop(2, list[1].ID, list[4].ID, "nobody")
	drop(0, list[1].ID)
	b.letters(5, 3, 2, 0)
	drop(5)
	b.letters()
	drop(0)
}

// layerReplay has dead letters read again: some, and then the rest.
func layerReplay(t *testing.T, b *layerBench) {
	c := b.client(layerCapacity(1))
	b.put(layerCommands(14)...)
	b.deadLetter(c, 14)
	ids := map[string]string{}
	for _, l := range b.letters(13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0) {
		ids[l.Reason] = l.ID
	}
	operator := b.client()
	replay := func(want int, ids ...string) {
		t.Helper()
		if n, err := operator.RequeueDeadLetters(b.context(), ids...); n != want || err != nil {
			t.Errorf("replayed %d, want %d: %v", n, want, err)
		}
	}
	replay(2, ids["reason 1"], ids["reason 0"], "nobody")
	replay(0, ids["reason 1"])
	b.letters(13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2)
	numbers, _ := b.take(c, 2)
	b.wantNumbers(numbers, 0, 2)
	replay(12)
	b.letters()
	if err := b.find("asgimqtt").ZAdd(b.context(), "asgimqtt", redis.Z{Score: 1, Member: "first_______" + b.body(layerCommand(1))}).Err(); err != nil {
		t.Fatal(err)
	}
	if ttl := b.find("asgimqtt").TTL(b.context(), "asgimqtt").Val(); ttl <= 0 || ttl > time.Minute {
		t.Errorf("the queue lives %v", ttl)
	}
	numbers, receipts := b.take(c, 13)
	b.wantNumbers(numbers, 1, 13)
	if err := c.Acknowledge(b.context(), receipts); err != nil {
		t.Fatal(err)
	}
}

// layerDeadLetterNowhere has keys of other types where letters and messages should go:
// nothing is lost by that.
func layerDeadLetterNowhere(t *testing.T, b *layerBench) {
	const letters = "chanmqttproxy:asgi:mqtt:dead-letters"
	c := b.client()
	b.put(layerCommands(7)...)
	_, receipts := b.take(c, 7)
	letter := []messages.DeadLetter{{Receipt: receipts[3], Reason: "reason 3"}}
	wrong := func(key string, f func() error) {
		t.Helper()
		b.all(func(host *redis.Client) error { return host.Set(b.context(), key, "x", 0).Err() })
		var failure *messages.LayerFailure
		if err := f(); !errors.As(err, &failure) {
			t.Errorf("with a wrong %s: %v", key, err)
		}
		b.all(func(host *redis.Client) error { return host.Del(b.context(), key).Err() })
	}
	wrong(letters, func() error { return c.AddDeadLetters(b.context(), letter) })
	if err := c.AddDeadLetters(b.context(), letter); err != nil {
		t.Fatal(err)
	}
	wrong("asgimqtt", func() error { _, err := c.RequeueDeadLetters(b.context()); return err })
	b.letters(3)
	wrong(letters, func() error { _, _, err := c.DeadLetters(b.context(), 0, 50); return err })
	wrong(layerRegistryKey, func() error { _, err := c.Restore(b.context()); return err })
	wrong(layerRegistryKey, func() error { _, err := c.Write(b.context(), []messages.Change{{Leaving: "x"}}); return err })
}
