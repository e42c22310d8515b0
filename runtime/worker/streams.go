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
	// streamDrain bounds how long the slot of the streams takes to stop, also while a stream is
	// full.
	streamDrain = 2 * time.Second
	// streamsAgain is how soon to check again whether a stream is subscribed to, if Redis did not
	// answer.
	streamsAgain = 500 * time.Millisecond
	// streamsUnused is how long the slot of the streams runs without a subscription, and
	// streamsLook how often that is checked.
	streamsUnused = 10 * time.Second
	streamsLook   = time.Second
)

// streaming is the assignment of the first slot and of the slot of the streams. The latter has its own
// session at the broker, so a full stream holds nobody else up. One lease holds both. The slot of the
// streams runs while a stream is subscribed to; the reader of the first slot keeps its commands, and
// opens it.
type streaming struct {
	*assignment
	epoch     uint64
	fence     *slots.Fence
	wake      chan struct{} // the slot of the streams is wanted
	done      chan struct{}
	takenOver chan struct{}
	taken     sync.Once
	over      context.Context // ends with Stop, Abandon and the first slot
	end       context.CancelFunc

	mu      sync.Mutex
	streams *assignment // the last one; nil: there was none
}

func newStreaming(epoch uint64, fence *slots.Fence) *streaming {
	s := &streaming{epoch: epoch, fence: fence, wake: make(chan struct{}, 1), done: make(chan struct{}), takenOver: make(chan struct{})}
	s.over, s.end = context.WithCancel(context.Background())
	return s
}

// open asks for the slot of the streams.
func (s *streaming) open() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// run runs the slot of the streams whenever it is wanted, as long as the first slot runs.
func (s *streaming) run() {
	defer close(s.done)
	go func() {
		s.watch(s.assignment)
		s.end()
	}()
	for s.wanted() && s.startSlot() {
		go s.watch(s.streams)
		s.attend(s.streams)
		if s.streams.Err() != nil { // then the first slot gives up as well
			s.Stop()
		}
		s.slot.SetStreams(false)
	}
	<-s.assignment.Done()
}

// wanted waits until a stream is subscribed to; false: it is over.
func (s *streaming) wanted() bool {
	for {
		wanted, err := s.client.StreamsWanted(s.over)
		if s.over.Err() != nil {
			return false
		}
		if wanted || len(s.worker.rules.Load().For(messages.StreamSlot).Static) > 0 {
			return true
		}
		var again <-chan time.Time
		if err != nil {
			again = time.After(streamsAgain)
		}
		select {
		case <-s.wake:
			return true
		case <-again:
		case <-s.over.Done():
			return false
		}
	}
}

// startSlot starts the slot of the streams; false: it is over.
func (s *streaming) startSlot() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over.Err() != nil {
		return false
	}
	select { // the reader sends what it has for it once it runs
	case <-s.wake:
	default:
	}
	s.streams = s.worker.start(messages.Slot{Number: messages.StreamSlot, Epoch: s.epoch}, messages.Layout{Sessions: 1}, s.fence, nil)
	s.slot.SetStreams(true)
	return true
}

// attend returns when the slot of the streams has ended: with the first slot, which may have commands
// for it until then, or when no stream has been subscribed to for a while.
func (s *streaming) attend(t *assignment) {
	look := time.NewTicker(streamsLook)
	defer look.Stop()
	for used := time.Now(); time.Since(used) < streamsUnused; {
		select {
		case now := <-look.C:
			if !t.slot.Unused() {
				used = now
			}
			continue
		case <-t.Done():
		case <-s.assignment.Done():
		}
		break
	}
	t.Stop()
	<-t.Done()
}

// watch returns when an assignment is done. It closes takenOver if that was taken over.
func (s *streaming) watch(t *assignment) {
	select {
	case <-t.TakenOver():
		s.taken.Do(func() { close(s.takenOver) })
		<-t.Done()
	case <-t.Done():
	}
}

// Stop lets the first slot finish what is under way, and then the slot of the streams.
func (s *streaming) Stop() {
	s.end()
	s.assignment.Stop()
	time.AfterFunc(s.worker.drainTimeout()-streamDrain, func() {
		s.both((*assignment).Stop)
	})
}

// Abandon stops both slots at once.
func (s *streaming) Abandon() { s.both((*assignment).Abandon) }

// both calls do with each slot. None is started any more.
func (s *streaming) both(do func(*assignment)) {
	s.end()
	s.mu.Lock()
	defer s.mu.Unlock()
	do(s.assignment)
	if s.streams != nil {
		do(s.streams)
	}
}

// Done is closed when nothing of either is left.
func (s *streaming) Done() <-chan struct{} { return s.done }

// TakenOver is closed when the broker has given one of the sessions to another client.
func (s *streaming) TakenOver() <-chan struct{} { return s.takenOver }

// Err is, after Done, why one of the slots gave up; nil: both were stopped.
func (s *streaming) Err() error {
	if s.streams == nil {
		return s.assignment.Err()
	}
	return errors.Join(s.assignment.Err(), s.streams.Err())
}
