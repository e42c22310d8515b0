package worker

import (
	"context"
	"errors"
	"sync"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/slots"
)

const (
	// streamDrain is how long the slot of the streams may take to finish at a stop: not
	// for as long as a stream is full.
	streamDrain = 2 * time.Second
	// streamsAgain is how soon to look again whether a stream is subscribed to.
	streamsAgain = 500 * time.Millisecond
)

// streaming is the tenure of the first slot with that of the streams, which has a session
// at the broker of its own, so that a stream without room holds nobody else up. Both are
// held by the one lease: the slot of the streams has no commands but those that the first
// one forwards. It is opened when a stream is subscribed to.
type streaming struct {
	*tenure
	fence     *slots.Fence
	done      chan struct{}
	takenOver chan struct{}
	over      context.Context // ends with Stop and Abandon
	end       context.CancelFunc
	ending    sync.WaitGroup // what Done waits for

	mu      sync.Mutex
	streams *tenure // nil: it is not open
}

// stream makes the tenure of the first slot one that opens that of the streams.
func (w *Worker) stream(t *tenure, fence *slots.Fence) *streaming {
	s := &streaming{tenure: t, fence: fence, done: make(chan struct{}), takenOver: make(chan struct{})}
	s.over, s.end = context.WithCancel(context.Background())
	s.watch(t)
	go func() {
		<-t.Done()
		s.Stop()
		s.ending.Wait()
		close(s.done)
	}()
	go s.wanted()
	return s
}

// wanted opens the slot where somebody has subscribed to a stream before.
func (s *streaming) wanted() {
	for {
		wanted, err := s.peer.StreamsWanted(s.over)
		switch {
		case wanted || len(s.worker.rules.Load().For(messages.StreamSlot).Static) > 0:
			s.open()
			return
		case err == nil:
			return
		}
		select {
		case <-s.over.Done():
			return
		case <-time.After(streamsAgain):
		}
	}
}

// open opens the slot of the streams, unless it is open.
func (s *streaming) open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.streams != nil || s.over.Err() != nil {
		return
	}
	s.streams = s.worker.start(messages.StreamSlot, 0, messages.Layout{Sessions: 1}, s.fence, nil)
	s.watch(s.streams)
	go func() { // a slot that gives up does so for both
		<-s.streams.Done()
		s.Stop()
	}()
}

// watch has Done wait for a tenure, and TakenOver tell of it.
func (s *streaming) watch(t *tenure) {
	s.ending.Add(1)
	go func() {
		defer s.ending.Done()
		select {
		case <-t.TakenOver():
			s.tell()
			<-t.Done()
		case <-t.Done():
		}
	}()
}

// tell says that a session was taken over, once.
func (s *streaming) tell() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.takenOver:
	default:
		close(s.takenOver)
	}
}

// both does something with what is open; nothing is opened any more.
func (s *streaming) both(do func(*tenure)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end()
	do(s.tenure)
	if s.streams != nil {
		do(s.streams)
	}
}

// Stop has both slots finish what is under way.
func (s *streaming) Stop() { s.both((*tenure).Stop) }

// Abandon has both slots stop as they are.
func (s *streaming) Abandon() { s.both((*tenure).Abandon) }

// Done is closed when nothing of either is left.
func (s *streaming) Done() <-chan struct{} { return s.done }

// TakenOver is closed when the broker gave one of the sessions to another client.
func (s *streaming) TakenOver() <-chan struct{} { return s.takenOver }

// Err is, after Done, why one of the slots gave up by itself.
func (s *streaming) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.streams == nil {
		return s.tenure.Err()
	}
	return errors.Join(s.tenure.Err(), s.streams.Err())
}
