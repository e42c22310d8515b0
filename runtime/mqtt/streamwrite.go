package mqtt

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// run sends what is queued until the connection is closed. After each write it
// calls onFlushed with the number of bytes written so far.
func (s *stream) run(onFlushed func(uint64)) {
	for {
		select {
		case <-s.done:
			return
		case <-s.wake:
		}
		for {
			total, err := s.flush()
			if err != nil {
				s.breakOff(fmt.Errorf("writing: %w", err))
				return
			}
			if total == 0 {
				break
			}
			onFlushed(total)
		}
	}
}

// flush writes what is queued, if anything, and returns flushed, or 0 where
// there was nothing.
func (s *stream) flush() (uint64, error) {
	s.mu.Lock()
	s.out, s.spare = s.spare, s.out
	s.mu.Unlock()
	batch := &s.spare
	if batch.Len() == 0 {
		return 0, nil
	}
	_ = s.network.SetWriteDeadline(time.Now().Add(s.writeTimeout))
	n, err := s.network.Write(batch.Bytes())
	if err != nil {
		return 0, err
	}
	s.lastWrite.Store(time.Now().UnixNano())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flushed += uint64(n)
	if s.room != nil {
		close(s.room)
		s.room = nil
	}
	batch.Reset()
	if batch.Cap() > keptBuffer {
		*batch = bytes.Buffer{}
	}
	return s.flushed, nil
}

// waitForRoom waits until little enough is unsent.
func (s *stream) waitForRoom(ctx context.Context) error { return s.wait(ctx, roomLimit) }

// drain waits until everything queued was written.
func (s *stream) drain(ctx context.Context) error { return s.wait(ctx, 0) }

func (s *stream) wait(ctx context.Context, limit uint64) error {
	for {
		room := s.shortOf(limit)
		if room == nil {
			return nil
		}
		s.gather(false) // else nothing may be written
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.done:
			return errClosed
		case <-room:
		}
	}
}

// shortOf returns what to wait for where more than limit is unsent, else nil.
func (s *stream) shortOf(limit uint64) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queued-s.flushed <= limit {
		return nil
	}
	if s.room == nil {
		s.room = make(chan struct{})
	}
	return s.room
}
