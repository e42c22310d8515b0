package conform

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
)

// The keys of the dead letters, and of their messages.
const (
	layerLettersKey        = "chanmqttproxy:asgi:mqtt:dead-letters"
	layerLetterMessagesKey = "chanmqttproxy:asgi:mqtt:dead-letter-messages"
)

// letterBytes is what the dead letters of all hosts take, each of which has counted
// its own.
func (b *layerBench) letterBytes() (all int) {
	b.t.Helper()
	b.all(func(host *redis.Client) error {
		letters, err := host.LRange(b.context(), layerLettersKey, 0, -1).Result()
		if err != nil {
			return err
		}
		kept, err := host.HGetAll(b.context(), layerLetterMessagesKey).Result()
		if err != nil {
			return err
		}
		counted := kept["bytes"]
		delete(kept, "bytes")
		bytes := 0
		for _, l := range letters {
			bytes += len(l)
		}
		for _, m := range kept {
			bytes += len(m)
		}
		if len(kept) != len(letters) || counted != fmt.Sprint(bytes) && counted+fmt.Sprint(bytes) != "0" {
			b.t.Errorf("%d messages of %d letters, of %d bytes, counted as %s", len(kept), len(letters), bytes, counted)
		}
		if ttl := host.TTL(b.context(), layerLetterMessagesKey).Val(); len(kept) > 0 && ttl <= 0 {
			b.t.Errorf("the messages live %v", ttl)
		}
		all += bytes
		return nil
	})
	return all
}

// layerDeadLetterLarge keeps the beginning of a large message, which cannot be replayed.
func layerDeadLetterLarge(t *testing.T, b *layerBench) {
	c := b.client(func(c *layer.Config) { c.DeadLetterBytes = 300 })
	large := "\x82\xa4type\xa1x\xa1n\xda\x03\xe8" + strings.Repeat("l", 1000)
	b.put(large, layerCommand(1))
	members := b.find("asgimqtt").ZRange(b.context(), "asgimqtt", 0, -1).Val()
	list, err := c.Receive(b.context(), 10)
	if err != nil || len(list) != 2 {
		t.Fatalf("%d messages: %v", len(list), err)
	}
	for i, m := range list {
		if err := c.AddDeadLetters(b.context(), []messages.DeadLetter{{Receipt: m.Receipt, Reason: fmt.Sprint("reason ", i)}}); err != nil {
			t.Fatal(err)
		}
	}
	letters := b.letters(1, 0)
	sum := sha256.Sum256([]byte(members[0]))
	if l := letters[1]; l.SHA256 != hex.EncodeToString(sum[:]) || l.Size != len(members[0]) || l.Preview != "x {n}" {
		t.Errorf("the letter is %+v", l)
	}
	if letters[0].SHA256 != "" {
		t.Error("a small message is not whole")
	}
	if kept := b.find(layerLettersKey).HGet(b.context(), layerLetterMessagesKey, letters[1].ID).Val(); kept != members[0][:300] {
		t.Errorf("%d bytes are kept", len(kept))
	}
	b.letterBytes()
	for want, ids := range [][]string{{letters[1].ID}, nil} { // none, then the small one
		n, err := b.client().RequeueDeadLetters(b.context(), ids...)
		var incomplete *layer.IncompleteLetters
		if n != want || !errors.As(err, &incomplete) || incomplete.Count != 1 {
			t.Errorf("replayed %d: %v", n, err)
		}
	}
	b.letters(0)
	numbers, _ := b.take(c, 1)
	b.wantNumbers(numbers, 1, 1)
	if n, err := b.client().DropDeadLetters(b.context(), letters[1].ID); n != 1 || err != nil {
		t.Errorf("dropped %d: %v", n, err)
	}
	if bytes := b.letterBytes(); bytes != 0 {
		t.Errorf("%d bytes are left", bytes)
	}
}

// layerDeadLetterBounded keeps the newest within so many bytes, and shows them in pages.
func layerDeadLetterBounded(t *testing.T, b *layerBench) {
	const most = 6000
	c := b.client(func(c *layer.Config) { c.DeadLetterTotalBytes = most })
	b.put(layerCommands(100)...)
	b.deadLetter(c, 100)
	if bytes := b.letterBytes(); bytes > most || bytes < most*2/3 {
		t.Errorf("%d bytes are kept", bytes)
	}
	all, total, err := b.client().DeadLetters(b.context(), 0, 1000)
	if err != nil || len(all) != total || total < 10 {
		t.Fatalf("%d letters of %d: %v", len(all), total, err)
	}
	for i, l := range all {
		if want := fmt.Sprint("reason ", 99-i); l.Reason != want {
			t.Errorf("letter %d has the %s, want %s", i, l.Reason, want)
		}
	}
	var paged []layer.DeadLetter
	for offset := 0; offset < total+7; offset += 7 {
		page, of, err := b.client().DeadLetters(b.context(), offset, 7)
		if err != nil || of != total || len(page) != min(7, max(0, total-offset)) {
			t.Errorf("%d letters behind %d of %d: %v", len(page), offset, of, err)
		}
		paged = append(paged, page...)
	}
	if fmt.Sprint(paged) != fmt.Sprint(all) {
		t.Error("the pages are not the whole")
	}
	if n, err := c.DropDeadLetters(b.context(), all[0].ID, all[3].ID); n != 2 || err != nil {
		t.Errorf("dropped %d: %v", n, err)
	}
	if n, err := c.RequeueDeadLetters(b.context(), all[1].ID); n != 1 || err != nil {
		t.Errorf("replayed %d: %v", n, err)
	}
	b.letterBytes()
	if n, err := c.DropDeadLetters(b.context()); n != total-3 || err != nil {
		t.Errorf("dropped %d: %v", n, err)
	}
	if bytes := b.letterBytes(); bytes != 0 {
		t.Errorf("%d bytes are left", bytes)
	}
}

// layerDeadLetterAge forgets what is too old, and shows none of it before.
func layerDeadLetterAge(t *testing.T, b *layerBench) {
	c := b.client()
	b.put(layerCommand(1))
	b.deadLetter(c, 1)
	host := b.find(layerLettersKey)
	old := []any{`{"id":"a","time":"2020-01-02T03:04:05.678Z","reason":"old"}`, `{"id":"b","time":"2020-01-02T03:04:05Z","reason":"older"}`}
	if err := host.RPush(b.context(), layerLettersKey, old...).Err(); err != nil {
		t.Fatal(err)
	}
	if list, total, err := c.DeadLetters(b.context(), 0, 50); len(list) != 1 || total != 1 || err != nil {
		t.Errorf("%d letters of %d: %v", len(list), total, err)
	}
	if n, oldest, err := c.OldestDeadLetter(b.context()); n != 3 || oldest.Year() != 2020 || err != nil {
		t.Errorf("%d letters, the oldest of %v: %v", n, oldest, err)
	}
	b.put(layerCommand(2)) // at the same host
	b.deadLetter(c, 1)
	if n, oldest, err := c.OldestDeadLetter(b.context()); n != 2 || time.Since(oldest) > time.Hour || err != nil {
		t.Errorf("%d letters, the oldest of %v: %v", n, oldest, err)
	}
	if n := host.LLen(b.context(), layerLettersKey).Val(); n != 2 {
		t.Errorf("%d letters are left", n)
	}
	b.letters(0, 0)
}
