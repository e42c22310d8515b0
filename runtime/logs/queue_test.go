package logs_test

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"chanmqttproxy/runtime/logs"
	"chanmqttproxy/test/kit"
)

// reader is a writer whose other end may be stuck or gone.
type reader struct {
	kit.Buffer
	gate chan struct{} // closed: it reads
	gone atomic.Bool
}

func newReader() *reader { return &reader{gate: make(chan struct{})} }

// Write implements io.Writer.
func (r *reader) Write(p []byte) (int, error) {
	<-r.gate
	if r.gone.Load() {
		return 0, errors.New("broken pipe")
	}
	return r.Buffer.Write(p)
}

// written are the lines' texts, and the numbers that notes of dropped lines name.
func written(t *testing.T, r *reader) (texts []string, dropped []float64) {
	t.Helper()
	for _, l := range lines(t, &r.Buffer) {
		if n, isNote := l["lines"].(float64); isNote {
			dropped = append(dropped, n)
		}
		texts = append(texts, l["msg"].(string))
	}
	return texts, dropped
}

// TestQueueOfStuckReader: nobody waits, what fits comes in order, and then how much did not.
func TestQueueOfStuckReader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newReader()
		q := logs.NewQueue(r, 1)
		q.Configure(10_000, false)
		log, _, _ := logs.New(q, logs.Options{})
		for i := range 1000 {
			log.Info(fmt.Sprint(i))
		}
		synctest.Wait()
		if q.Waiting() > 10_000 || q.Waiting() < 9_000 || q.Dropped() == 0 {
			t.Errorf("%d bytes wait, %d lines were dropped", q.Waiting(), q.Dropped())
		}
		early := int(1000 - q.Dropped())
		close(r.gate)
		synctest.Wait()
		log.Info("later")
		q.Close(time.Minute)
		texts, dropped := written(t, r)
		var want []string
		for i := range early {
			want = append(want, fmt.Sprint(i))
		}
		if len(texts) != early+2 || !slices.Equal(texts[:early], want) || !strings.Contains(texts[early], "dropped") || texts[early+1] != "later" {
			t.Errorf("wrote %q, want %d lines, a note and the last one", texts, early)
		}
		if !slices.Equal(dropped, []float64{float64(1000 - early)}) || q.Waiting() != 0 {
			t.Errorf("it says that %v were dropped; %d bytes wait", dropped, q.Waiting())
		}
	})
}

// TestQueueOfGoneReader: what cannot be written is counted, and told when it can.
func TestQueueOfGoneReader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newReader()
		close(r.gate)
		r.gone.Store(true)
		q := logs.NewQueue(r, logs.DefaultMemory)
		q.Configure(logs.DefaultMemory, false)
		log := slog.New(slog.NewJSONHandler(q, nil))
		for range 5 {
			log.Info("lost")
			synctest.Wait()
		}
		if q.Dropped() != 5 {
			t.Errorf("%d lines were dropped, want 5", q.Dropped())
		}
		r.gone.Store(false)
		log.Info("back")
		synctest.Wait()
		if texts, dropped := written(t, r); len(texts) != 2 || texts[0] != "back" || !slices.Equal(dropped, []float64{5}) {
			t.Errorf("wrote %q and that %v were dropped", texts, dropped)
		}
		q.Close(time.Minute)
	})
}

// TestLineAboveTheBound: it alone is dropped.
func TestLineAboveTheBound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newReader()
		q := logs.NewQueue(r, 500)
		fmt.Fprint(q, strings.Repeat("x", 1000))
		synctest.Wait()
		if q.Dropped() != 1 {
			t.Error("a line above the bound was taken")
		}
		fmt.Fprint(q, "a line that fits\n")
		close(r.gate)
		q.Close(time.Minute)
		if text := r.Take(); !strings.Contains(text, "lines=1") || !strings.HasSuffix(text, "a line that fits\n") {
			t.Errorf("wrote %q", text)
		}
	})
}

// TestQueueCloseIsBounded: a stuck reader costs a stop no more than that.
func TestQueueCloseIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newReader()
		q := logs.NewQueue(r, logs.DefaultMemory)
		fmt.Fprintln(q, "a line")
		began := time.Now()
		q.Close(time.Second)
		if took := time.Since(began); took != time.Second {
			t.Errorf("closing took %v", took)
		}
		fmt.Fprintln(q, "too late")
		close(r.gate)
		synctest.Wait()
		if text := r.Take(); !strings.HasPrefix(text, "a line\n") || strings.Contains(text, "too late") {
			t.Errorf("wrote %q", text)
		}
	})
}
