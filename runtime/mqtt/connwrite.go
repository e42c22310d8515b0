package mqtt

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// run sends what is queued until the connection is closed. After each write it
// calls onFlushed with the number of bytes written so far.
func (c *conn) run(onFlushed func(uint64)) {
	for {
		select {
		case <-c.done:
			return
		case <-c.wake:
		}
		for {
			total, err := c.flush()
			if err != nil {
				c.breakOff(fmt.Errorf("writing: %w", err))
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
func (c *conn) flush() (uint64, error) {
	c.mu.Lock()
	c.out, c.spare = c.spare, c.out
	c.mu.Unlock()
	batch := &c.spare
	if batch.Len() == 0 {
		return 0, nil
	}
	_ = c.network.SetWriteDeadline(time.Now().Add(c.writeTimeout))
	n, err := c.network.Write(batch.Bytes())
	if err != nil {
		return 0, err
	}
	c.lastWrite.Store(time.Now().UnixNano())
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flushed += uint64(n)
	if c.room != nil {
		close(c.room)
		c.room = nil
	}
	batch.Reset()
	if batch.Cap() > keptBuffer {
		*batch = bytes.Buffer{}
	}
	return c.flushed, nil
}

// waitForRoom waits until little enough is unsent.
func (c *conn) waitForRoom(ctx context.Context) error { return c.wait(ctx, roomLimit) }

// drain waits until everything queued was written.
func (c *conn) drain(ctx context.Context) error { return c.wait(ctx, 0) }

func (c *conn) wait(ctx context.Context, limit uint64) error {
	for {
		room := c.shortOf(limit)
		if room == nil {
			return nil
		}
		c.gather(false) // else nothing may be written
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.done:
			return errClosed
		case <-room:
		}
	}
}

// shortOf returns what to wait for where more than limit is unsent, else nil.
func (c *conn) shortOf(limit uint64) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.queued-c.flushed <= limit {
		return nil
	}
	if c.room == nil {
		c.room = make(chan struct{})
	}
	return c.room
}
