package logs

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

// DefaultMemory is the bound of a queue, in bytes, until the configuration is read.
const DefaultMemory = 1 << 20

// lineOverhead is what a waiting line takes beside its text, in bytes.
const lineOverhead = 64

// Queue is an io.Writer whose Write never waits. A goroutine of its own passes the lines
// on, in their order, to a writer that may be slow, stuck or closed. A line that does not
// fit is dropped and counted, as is one that cannot be written. After the queue was full
// it takes nothing until half of it is free; then a line says how many were dropped.
//
// What the methods of a nil Queue count is 0.
type Queue struct {
	to   io.Writer
	over chan struct{} // closed when the goroutine has ended

	mu         sync.Mutex // never held while a line is written
	filled     *sync.Cond
	lines      []line
	bytes      int // of the lines, and of the one that is being written
	limit      int
	asText     bool
	full       bool  // nothing is taken
	failing    bool  // the last write failed
	unreported int64 // dropped, and not yet reported
	dropped    int64
	closed     bool
}

// line is what waits; reported is how many dropped ones it reports.
type line struct {
	text     []byte
	reported int64
}

// NewQueue starts a queue of at most so many bytes in front of a writer. It is to be
// closed.
func NewQueue(to io.Writer, limit int) *Queue {
	q := &Queue{to: to, limit: limit, asText: true, over: make(chan struct{})}
	q.filled = sync.NewCond(&q.mu)
	go q.run()
	return q
}

// Configure sets the bound, in bytes, and whether the queue's own lines are text, else
// JSON.
func (q *Queue) Configure(limit int, asText bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.limit, q.asText = limit, asText
}

// Write takes one line. It never fails.
func (q *Queue) Write(p []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || q.full || q.bytes+len(p)+lineOverhead > q.limit {
		q.full = true
		q.unreported++
		q.dropped++
	} else {
		q.add(line{text: bytes.Clone(p)})
	}
	q.filled.Signal()
	return len(p), nil
}

// Dropped is how many lines were dropped so far.
func (q *Queue) Dropped() int64 {
	if q == nil {
		return 0
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.dropped
}

// Waiting is how many bytes wait, with what holds them.
func (q *Queue) Waiting() int64 {
	if q == nil {
		return 0
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return int64(q.bytes)
}

// Close waits for what was taken to be written, but no longer than that.
func (q *Queue) Close(within time.Duration) {
	q.mu.Lock()
	q.closed = true
	q.filled.Signal()
	q.mu.Unlock()
	late := time.NewTimer(within)
	defer late.Stop()
	select {
	case <-q.over:
	case <-late.C:
	}
}

func (q *Queue) add(l line) {
	q.lines = append(q.lines, l)
	q.bytes += len(l.text) + lineOverhead
}

// run writes the lines until the queue is closed and empty.
func (q *Queue) run() {
	defer close(q.over)
	for {
		l, ok := q.next()
		if !ok {
			return
		}
		_, err := q.to.Write(l.text)
		q.written(l, err)
	}
}

// next waits for a line.
func (q *Queue) next() (line, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		if q.full && q.bytes <= q.limit/2 {
			q.full = false
		}
		if q.unreported > 0 && !q.full && !q.failing {
			q.add(line{q.note(q.unreported), q.unreported})
			q.unreported = 0
		}
		if len(q.lines) > 0 {
			l := q.lines[0]
			q.lines[0] = line{}
			q.lines = q.lines[1:]
			return l, true
		}
		if q.closed {
			return line{}, false
		}
		q.filled.Wait()
	}
}

// written takes back the room of a line.
func (q *Queue) written(l line, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.bytes -= len(l.text) + lineOverhead
	q.failing = err != nil
	switch {
	case err == nil:
	case l.reported > 0:
		q.unreported += l.reported
	default:
		q.unreported++
		q.dropped++
	}
}

// note is the line that says how many were dropped.
func (q *Queue) note(n int64) []byte {
	var b bytes.Buffer
	r := slog.NewRecord(time.Now(), slog.LevelWarn, "log lines were dropped: standard error is not read, or too slowly", 0)
	r.AddAttrs(slog.Int64("lines", n))
	_ = handler(&b, q.asText).Handle(context.Background(), r) // a buffer takes everything
	return b.Bytes()
}
