package worker

import (
	"sync"

	"chanmqttproxy/runtime/layer"
)

// clients are the layer clients of the slots that are held, and the counts of former ones, so that
// counters never decrease.
type clients struct {
	mu   sync.Mutex
	live map[layer.Client]struct{}
	past layer.Stats
}

func (p *clients) add(client layer.Client) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.live == nil {
		p.live = map[layer.Client]struct{}{}
	}
	p.live[client] = struct{}{}
}

func (p *clients) remove(client layer.Client) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.live, client)
	p.past = sum(p.past, client.Stats())
}

// stats sums up all of them. The base, a client that writes nothing, has the state of the hosts.
func (p *clients) stats(base layer.Stats) layer.Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := sum(base, p.past)
	for client := range p.live {
		all = sum(all, client.Stats())
	}
	return all
}

// sum adds the counts of the same hosts. The last round trip is that of b, if it has made one.
func sum(a, b layer.Stats) layer.Stats {
	if len(a.Hosts) == 0 {
		return b
	}
	all := layer.Stats{DroppedCommands: a.DroppedCommands + b.DroppedCommands, Site: a.Site.With(b.Site)}
	for i, h := range a.Hosts {
		if i < len(b.Hosts) {
			o := b.Hosts[i]
			if o.Trips > 0 && o.RoundTrip > 0 {
				h.RoundTrip = o.RoundTrip
			}
			h.Trips, h.Writes, h.Failures = h.Trips+o.Trips, h.Writes+o.Writes, h.Failures+o.Failures
			h.Late, h.Expired = h.Late+o.Late, h.Expired+o.Expired
		}
		all.Hosts = append(all.Hosts, h)
	}
	return all
}
