package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"
)

// flushTimeout is how long, at the end, standard output and standard error may take to be
// read.
const flushTimeout = time.Second

// output is standard output while a command runs: a write of which nobody reads the end
// fails soon after ctx has ended, so that the command can stop.
type output struct {
	ctx context.Context
	to  io.Writer
}

// Write implements io.Writer.
func (o output) Write(p []byte) (int, error) {
	type result struct {
		n   int
		err error
	}
	done, own := make(chan result, 1), bytes.Clone(p) // the write may outlast this call
	go func() {
		n, err := o.to.Write(own)
		done <- result{n, err}
	}()
	select {
	case r := <-done:
		return r.n, r.err
	case <-o.ctx.Done():
	}
	select {
	case r := <-done:
		return r.n, r.err
	case <-time.After(flushTimeout):
		return 0, fmt.Errorf("nobody reads standard output: %w", context.Cause(o.ctx))
	}
}
