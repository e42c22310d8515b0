package slots

import (
	"errors"
	"time"

	"chanmqttproxy/messages"
)

// answered takes in an answer.
func (k *Keeper) answered(a answered) {
	k.mu.Lock()
	k.view.Reached, k.view.Leaving = a.err == nil, k.leaving
	if a.err == nil {
		k.view.LeaseAnswer, k.view.asked, k.view.received, k.view.lease = a.LeaseAnswer, a.asked, time.Now(), k.Lease
	}
	k.mu.Unlock()
	k.logRedis(a.err)
	if a.err != nil {
		return
	}
	for _, n := range a.ask.Release {
		delete(k.release, n)
	}
	if k.proposed.IsZero() && a.Sessions == k.Sessions {
		k.proposed, k.former = time.Now(), a.Before
	}
	k.compare(a)
	k.logStandby(holders(a.Slots, a.Held))
	for _, h := range k.held {
		h.assignment.SetLayout(a.Layout)
	}
	if h := k.held[a.Give]; h != nil && !h.lost && !h.stopping {
		k.Log.Info("handing a session slot over to another worker", "slot", a.Give)
		h.stopping = true
		h.assignment.Stop()
	}
}

// compare drops the slots that are lost, takes those that are new, and renews the others.
func (k *Keeper) compare(a answered) {
	granted := map[int]messages.Slot{}
	for _, s := range a.Held {
		granted[s.Number] = s
	}
	for n, h := range k.held {
		switch s, ok := granted[n]; {
		case h.lost:
		case n >= len(a.Slots):
			k.Log.Info("session slot removed: its filters have moved to others", "slot", n, "epoch", h.slot.Epoch, "closed_for", h.fence.closed())
			k.lose(h)
		case !ok && !free(a.Slots, n) || ok && s.Epoch != h.slot.Epoch:
			k.Counts.Lost.Add(1)
			k.Log.Warn("another worker has taken over a session slot: this worker did not renew it in time", "slot", n, "epoch", h.slot.Epoch, "closed_for", h.fence.closed())
			k.lose(h)
		}
	}
	for n, s := range granted {
		switch h := k.held[n]; {
		case h == nil && !k.release[n] && !k.leaving:
			k.hold(a, s)
		case h == nil && !k.release[n]:
			k.release[n] = true // it came with the answer to an earlier request
			k.wake()
		case h != nil && !h.lost:
			h.fence.renew(a.asked, k.Lease, a.Until)
		}
	}
}

// free says whether no worker holds a slot.
func free(list []messages.SlotInfo, n int) bool { return list[n].Holder == "" }

func (k *Keeper) hold(a answered, s messages.Slot) {
	h := &holding{slot: s, fence: newFence(), several: a.Sessions > 1 || a.Workers > 1}
	h.fence.renew(a.asked, k.Lease, a.Until)
	h.assignment = k.Hold(s, a.Layout, h.fence)
	k.held[s.Number] = h
	k.Counts.Taken.Add(1)
	if h.several {
		k.Log.Info("holding a session slot", "slot", s.Number, "epoch", s.Epoch, "of", a.Sessions, "workers", a.Workers)
	}
	go func() {
		select {
		case <-h.assignment.TakenOver():
			k.wake()
			<-h.assignment.Done()
		case <-h.assignment.Done():
		}
		k.wake()
	}()
}

// lose abandons a slot that another worker has.
func (k *Keeper) lose(h *holding) {
	h.lost = true
	h.fence.revoke()
	h.assignment.Abandon()
}

// collectEnded releases the slots whose assignments have ended, or whose sessions were taken over. It
// returns why assignments gave up.
func (k *Keeper) collectEnded() (failure error) {
	for n, h := range k.held {
		select {
		case <-h.assignment.Done():
			closed := h.fence.closed()
			h.fence.revoke()
			delete(k.held, n)
			if !h.lost {
				k.Counts.Given.Add(1)
				if h.several {
					k.Log.Info("session slot given up", "slot", n, "epoch", h.slot.Epoch, "closed_for", closed)
				}
				k.release[n] = true
				k.wake()
			}
			failure = errors.Join(failure, h.assignment.Err())
			continue
		default:
		}
		select {
		case <-h.assignment.TakenOver():
			if !h.lost {
				k.takenOver(n, h)
			}
		default:
		}
	}
	return failure
}
