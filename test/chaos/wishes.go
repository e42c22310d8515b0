package chaos

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/test/kit"
)

// wishes are the subscriptions that the site asks for and gives up while it runs, and
// what it was answered.
type wishes struct {
	mu      sync.Mutex
	wanted  map[string]bool
	refused []string
}

const (
	// site is who gets the answers, asked the topic under which they are in the account,
	// and wished the group that the subscriptions are for.
	site, asked, wished = "site", "commands", "wished"
	// wishedFilters is how many different ones there are.
	wishedFilters = 24
)

// requestAll sends one command after another that wants an answer.
func (r *Rig) requestAll(ctx context.Context) {
	tick := time.NewTicker(time.Second / time.Duration(r.Load.Asked))
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			r.request(r.wish(i))
		}
	}
}

// wish is the ith command: each third is a publish, the others subscribe to the filters
// in turn, and unsubscribe in the next round.
func (r *Rig) wish(i int) messages.Map {
	if i%3 == 2 {
		return kit.Publish("out/asked", "probe asked", 1)
	}
	filter := fmt.Sprint("wished/", i%wishedFilters)
	w := &r.wishes
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.wanted == nil {
		w.wanted = map[string]bool{}
	}
	if w.wanted[filter] = !w.wanted[filter]; w.wanted[filter] {
		return kit.Subscribe(filter, wished, 1)
	}
	return messages.Map{
		{Key: "type", Value: "mqtt.unsubscribe"}, {Key: "topic", Value: filter}, {Key: "group", Value: wished},
	}
}

// request sends a command and enters that its answer is due.
func (r *Rig) request(command messages.Map) {
	number := r.Answers.Send(asked)
	r.Site().Send(append(command,
		messages.Pair{Key: "reply_channel", Value: r.Site().Channel()}, messages.Pair{Key: "id", Value: fmt.Sprint("asked ", number)}))
	r.Answers.Acked(asked, number)
}

// answered enters an answer.
func (r *Rig) answered(id string, m messages.Map) {
	number, err := strconv.Atoi(strings.TrimPrefix(id, "asked "))
	if err != nil {
		number = -1
	}
	r.Answers.Deliver(site, asked, number)
	code, _ := m.Get("code")
	if kind, _ := m.Get("type"); kind == "mqtt.error" && code != "unsubscribed" { // before it was granted
		r.wishes.mu.Lock()
		defer r.wishes.mu.Unlock()
		r.wishes.refused = append(r.wishes.refused, fmt.Sprint(m))
	}
}

// all are the filters that the site wants and those that it has given up.
func (w *wishes) all() (wanted, given []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for filter, yes := range w.wanted {
		if yes {
			wanted = append(wanted, filter)
		} else {
			given = append(given, filter)
		}
	}
	slices.Sort(wanted)
	slices.Sort(given)
	return wanted, given
}

// refusals are answers that say no.
func (w *wishes) refusals() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.refused)
}
