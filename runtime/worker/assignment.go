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

// assignment is a session slot while this worker holds it: a part of the tree, with its own
// client of the layer and its own connection to the broker.
type assignment struct {
	worker *Worker
	number int
	began  time.Time
	slot   *actors.Slot
	client layer.Client
	mqtt   *fencedMQTT
	done   chan struct{}
	over   chan struct{} // closed by Stop and Abandon
	once   sync.Once
	// untrace ends the spans that are open.
	untrace func()

	mu      sync.Mutex
	layout  messages.Layout
	retired bool // the slot is not in the layout any more: it waits for the lease to end
}

// hold starts a slot. Its Assignment is done when nothing of it is left.
func (w *Worker) hold(slot messages.Slot, layout messages.Layout, fence *slots.Fence) slots.Assignment {
	if slot.Number > 0 {
		return w.start(slot, layout, fence, nil)
	}
	s := newStreaming(slot.Epoch, fence)
	s.assignment = w.start(slot, layout, fence, s.open)
	w.streaming.Store(s)
	go s.run()
	return s
}

// start starts the parts of a slot. The first slot calls streams, which must not wait, to open
// the slot of the streams.
func (w *Worker) start(slot messages.Slot, layout messages.Layout, fence *slots.Fence, streams func()) *assignment {
	c := LayerConfig(w.config)
	c.Slot, c.Until, c.Refusals, c.Epoch = slot.Number, fence.Until, &w.refusals, slot.Epoch
	t := &assignment{
		worker: w, number: slot.Number, began: time.Now(), layout: layout,
		done: make(chan struct{}), over: make(chan struct{}),
		client: layer.Open(c, w.logOf("layer")),
	}
	sessions := &sessions{Client: t.client, slot: t.number, held: fence.Open, known: &w.clientID}
	t.mqtt = newFencedMQTT(newMQTTPort(w.config, sessions, w.trips.Observe, w.skipped, w.logOf("mqtt")), t.number, fence)
	w.changing.Lock()
	defer w.changing.Unlock()
	o := w.options(t.number)
	o.Layer = &layerPort{sessions: sessions, decoder: decoderFor(w.config), wait: fence.Wait}
	o.MQTT, o.Layout, o.OpenStreams = t.mqtt, layout, streams
	t.untrace = w.tracing.trace(&o)
	t.slot = w.tree.Start(o)
	w.clients.add(t.client)
	go t.close()
	return t
}

func (t *assignment) close() {
	<-t.slot.Done()
	t.untrace()
	if t.retiring() {
		<-t.over
	}
	t.client.Close()
	t.worker.clients.remove(t.client)
	close(t.done)
}

// Stop asks the slot to finish what is under way, and to stop.
func (t *assignment) Stop() { t.stopBy(t.slot.Shutdown) }

// Abandon asks the slot to stop at once.
func (t *assignment) Abandon() { t.stopBy(t.slot.Abandon) }

func (t *assignment) stopBy(how func()) {
	t.once.Do(func() { close(t.over) })
	how()
}

// Done is closed when nothing of the slot is left.
func (t *assignment) Done() <-chan struct{} { return t.done }

// Err is, after Done, why the slot gave up; nil: it was stopped.
func (t *assignment) Err() error { return t.slot.Err() }

// TakenOver is closed when the broker has given the session to another client.
func (t *assignment) TakenOver() <-chan struct{} { return t.mqtt.takenOver }

// Unreachable is for how long the broker has not been reached.
func (t *assignment) Unreachable() time.Duration {
	h := t.slot.Health()
	if h.Broker || !h.Restored || !h.Layer {
		return 0 // it is connected, or waits for Redis before it tries
	}
	since := t.began
	if h.State.Since.After(since) {
		since = h.State.Since
	}
	return time.Since(since)
}

// SetLayout sets over how many slots the filters are spread. A slot that began as the only
// one starts again as one of several; one that is not among them any more retires.
func (t *assignment) SetLayout(l messages.Layout) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.number == 0 && l.Sessions > 1 && t.slot.Alone():
		t.slot.Shutdown()
	case t.retired && l.Sessions > t.number:
		t.once.Do(func() { close(t.over) })
	case t.number > 0 && t.number >= l.Sessions && !t.retired && t.slot.Idle():
		t.retired = true
		go t.retire(t.slot.Health().State.Version)
	case t.layout != l:
		t.layout = l
		t.slot.SetLayout(l)
	}
}

// Layout is the layout as the first of several slots knows it, else zero.
func (t *assignment) Layout() messages.Layout { return t.slot.Layout() }

func (t *assignment) retiring() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.retired
}

// retireTimeout is how long the broker may take to drop a session, and Redis to store that.
const retireTimeout = 5 * time.Second

// retire makes the broker drop the session, and stores that.
func (t *assignment) retire(version messages.Version) {
	t.slot.Shutdown()
	<-t.slot.Done()
	left := t.slot.Retired()
	if left == nil { // the layout has the slot again
		t.once.Do(func() { close(t.over) })
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), retireTimeout)
	defer cancel()
	if err := t.mqtt.Drop(ctx, version); err != nil {
		t.worker.log.Warn("cannot end the MQTT session of a removed session slot; the broker keeps it until it expires", "slot", t.number, "error", err)
	}
	if _, err := t.client.Write(ctx, left); err != nil { // whoever takes the slot then says so
		t.worker.log.Warn("cannot note in Redis that a session slot was removed", "slot", t.number, "error", err)
		t.once.Do(func() { close(t.over) })
	}
}
