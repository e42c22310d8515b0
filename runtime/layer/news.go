package layer

import (
	"encoding/json"
	"strconv"
	"sync/atomic"

	"chanmqttproxy/messages"
)

// Each change that a slot stores is told to the other slots, with the edition of its
// registry that it makes: who holds the slot, and how often it has stored. A slot that
// has missed one reads all.

// editionField is where the edition stands among the stored subscriptions.
const editionField = `["edition"]`

// edition counts what a client has stored.
type edition struct{ count atomic.Uint64 }

// editionOf is the nth of a client.
func editionOf(client string, n uint64) string { return client + ":" + strconv.FormatUint(n, 10) }

// news is what is told of one change.
type news struct {
	Slot   int               `json:"slot"`
	Client string            `json:"client"`
	Count  uint64            `json:"count"`
	Put    map[string]string `json:"put,omitempty"`
	Gone   []string          `json:"gone,omitempty"`
}

// news makes the change one of another edition, and returns what is to be told; "" where
// this is not the client of a slot, or nothing changes.
func (c *Client) news(put *[]string, gone []string) string {
	if c.config.Until == nil || c.config.Slot == messages.StreamSlot || len(*put)+len(gone) == 0 {
		return ""
	}
	n := news{Slot: c.config.Slot, Client: c.servers[0].reader.id, Count: c.edition.count.Add(1), Gone: gone, Put: map[string]string{}}
	for i := 0; i < len(*put); i += 2 {
		n.Put[(*put)[i]] = (*put)[i+1]
	}
	*put = append(*put, editionField, editionOf(n.Client, n.Count))
	b, err := json.Marshal(n)
	if err != nil {
		panic(err) // text and numbers only
	}
	return string(b)
}
