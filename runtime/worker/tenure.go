package worker

import (
	"context"
	"sync"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/runtime/slots"
)

// tenure is a session slot while this worker holds it: a part of the tree, with a peer
// of the layer and a connection to the broker of its own.
type tenure struct {
	worker *Worker
	number int
	began  time.Time
	slot   *actors.Slot
	peer   layer.Peer
	broker *fencedBroker
	done   chan struct{}
	over   chan struct{} // closed by Stop and Abandon
	once   sync.Once
	// untrace ends the spans that are open.
	untrace func()

	mu      sync.Mutex
	layout  messages.Layout
	retired chan struct{} // closed when the slot has retired; nil: it does not
}

// hold brings a slot up. Its Tenure is done when nothing of it is left.
func (w *Worker) hold(slot messages.Slot, layout messages.Layout, fence *slots.Fence) slots.Tenure {
	if slot.Number > 0 {
		return w.start(slot.Number, layout, fence, nil)
	}
	var s *streaming
	ready := make(chan struct{})
	t := w.start(slot.Number, layout, fence, func() {
		<-ready
		s.open()
	})
	s = w.stream(t, fence)
	w.streaming.Store(s)
	close(ready)
	return s
}

// start starts what a slot consists of. It opens that of the streams when commands are
// forwarded there.
func (w *Worker) start(number int, layout messages.Layout, fence *slots.Fence, streams func()) *tenure {
	c := LayerConfig(w.config)
	c.Slot, c.Until, c.Refusals = number, fence.Until, &w.refusals
	t := &tenure{
		worker: w, number: number, began: time.Now(), layout: layout,
		done: make(chan struct{}), over: make(chan struct{}),
		peer: layer.Open(c, w.logOf("layer")),
	}
	sessions := &sessions{Peer: t.peer, slot: t.number, held: fence.Open}
	t.broker = newFencedBroker(newBroker(w.config, sessions, w.trips.Observe, w.refused, w.logOf("mqtt")), t.number, fence)
	w.changing.Lock()
	defer w.changing.Unlock()
	o := w.options(t.number)
	o.Layer = &commands{sessions: sessions, decoder: decoderFor(w.config), wait: fence.Wait, streams: streams}
	o.MQTT, o.Layout = t.broker, layout
	t.untrace = w.tracing.trace(&o)
	t.slot = w.tree.Start(o)
	w.peers.add(t.peer)
	go t.close()
	return t
}

func (t *tenure) close() {
	<-t.slot.Done()
	t.untrace()
	if t.retiring() {
		<-t.over
	}
	t.peer.Close()
	t.worker.peers.remove(t.peer)
	close(t.done)
}

// Stop has the slot finish what is under way.
func (t *tenure) Stop() { t.end(t.slot.Shutdown) }

// Abandon has the slot stop as it is.
func (t *tenure) Abandon() { t.end(t.slot.Abandon) }

func (t *tenure) end(how func()) {
	t.once.Do(func() { close(t.over) })
	how()
}

// Done is closed when nothing of the slot is left.
func (t *tenure) Done() <-chan struct{} { return t.done }

// Err is, after Done, why the slot gave up by itself.
func (t *tenure) Err() error { return t.slot.Err() }

// TakenOver is closed when the broker gave the session to another client.
func (t *tenure) TakenOver() <-chan struct{} { return t.broker.takenOver }

// Away is for how long the broker has not been reached.
func (t *tenure) Away() time.Duration {
	h := t.slot.Health()
	if h.Broker || !h.Restored || !h.Layer {
		return 0 // it is connected, or does not try for want of Redis
	}
	since := t.began
	if h.State.Since.After(since) {
		since = h.State.Since
	}
	return time.Since(since)
}

// Relaid takes another layout in.
func (t *tenure) Relaid(l messages.Layout) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.layout != l {
		t.layout = l
		t.slot.SetLayout(l)
	}
}

// Moved says whether all filters are in the slots where the layout has them. A slot that
// is no more retires then, and has moved when the broker has dropped its session.
func (t *tenure) Moved() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.retired != nil {
		select {
		case <-t.retired:
			return true
		default:
			return false
		}
	}
	h := t.slot.Health()
	switch {
	case !t.slot.Moved(t.layout):
	case t.number < t.layout.Sessions:
		return true
	case h.Broker && h.Subscribed && h.Filters == 0:
		t.retired = make(chan struct{})
		go t.retire(h.State.Version)
	}
	return false
}

func (t *tenure) retiring() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.retired != nil
}

const (
	// retireQuiet is how long nothing may have come before a slot retires: what the
	// broker had queued for its filters comes without pauses.
	retireQuiet = time.Second
	// retireTimeout is how long the broker may take to drop a session.
	retireTimeout = 5 * time.Second
)

// retire waits for what the broker has queued, and has it drop the session.
func (t *tenure) retire(version messages.Version) {
	defer close(t.retired)
	for seen := int64(-1); seen != t.slot.Received(); {
		seen = t.slot.Received()
		select {
		case <-time.After(retireQuiet):
		case <-t.over:
			return
		}
	}
	t.slot.Shutdown()
	<-t.slot.Done()
	ctx, cancel := context.WithTimeout(context.Background(), retireTimeout)
	defer cancel()
	if err := t.broker.Drop(ctx, version); err != nil {
		t.worker.log.Warn("the broker keeps the session of a slot that is no more until it expires", "slot", t.number, "error", err)
	}
}
