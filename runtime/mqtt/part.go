package mqtt

import (
	"context"
	"errors"
	"io"
	"net"
	"time"
)

// giveUp ends a connection whose CONNECT was not answered before ctx ended. After a time-out the broker
// may still be busy with it: then the connection is parted with, and the broker gets as long again to
// end it.
func (s *stream) giveUp(ctx context.Context, within time.Duration) {
	if cause := context.Cause(ctx); errors.Is(cause, context.DeadlineExceeded) {
		s.part(cause, within)
	} else {
		s.close(cause)
	}
}

// part ends the connection as close does, but leaves the socket open for a while. The peer gets a
// DISCONNECT, so that it publishes no will, and the end of the stream. The socket is closed when the
// peer ends its side or the time is over.
func (s *stream) part(cause error, within time.Duration) {
	s.once.Do(func() {
		parted := make(chan struct{})
		s.parted = parted
		s.finish(cause)
		_ = s.network.SetReadDeadline(time.Now()) // whoever reads is to stop
		go func() {
			defer close(parted)
			s.untilNobodyReads()
			awaitEnd(s.network, within)
		}()
	})
}

// untilNobodyReads waits until the packet that is awaited has come, or has failed to.
func (s *stream) untilNobodyReads() {
	s.reading.Lock()
	defer s.reading.Unlock()
}

func awaitEnd(c net.Conn, within time.Duration) {
	defer abort(c)
	deadline := time.Now().Add(within)
	_ = c.SetDeadline(deadline)
	if _, err := c.Write([]byte{typeDisconnect << 4, 0}); err != nil {
		return
	}
	raw := innermost(c)
	_ = raw.SetDeadline(deadline)
	if half, ok := raw.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	_, _ = io.Copy(io.Discard, raw)
}
