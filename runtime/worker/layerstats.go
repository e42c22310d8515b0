package worker

import (
	"sync"

	"chanmqttproxy/runtime/layer"
)

// peers are the layer clients of the slots that are held, and the counts of former ones, so that
// counters never decrease.
type peers struct {
	mu   sync.Mutex
	live map[layer.Peer]struct{}
	past layer.Stats
}

func (p *peers) add(peer layer.Peer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.live == nil {
		p.live = map[layer.Peer]struct{}{}
	}
	p.live[peer] = struct{}{}
}

func (p *peers) remove(peer layer.Peer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.live, peer)
	p.past = sum(p.past, peer.Stats())
}

// stats sums up all of them. The base, a client that writes nothing, has the state of the hosts.
func (p *peers) stats(base layer.Stats) layer.Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := sum(base, p.past)
	for peer := range p.live {
		all = sum(all, peer.Stats())
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
