package kit

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"testing"
)

// ChannelsVersions are the versions of channels_redis that Channels can start,
// oldest first. The last is the site's.
var ChannelsVersions = []string{"4.0", "4.2", "4.3"}

// ChannelsProcess is a Python process with one version of channels_redis, which
// does what it is asked to, any number of things at the same time.
type ChannelsProcess struct {
	process *Process
	mu      sync.Mutex
	input   io.Writer
	asked   int
	waiting map[int]chan channelsAnswer
}

type channelsAnswer struct {
	ID     int             `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  string          `json:"error"`
}

// Channels starts a Python script with a version of channels_redis. The script
// reads questions from standard input, a line each ({"id": 1, "do": …, "with":
// […]}), and answers each, in any order, with a line on standard output ({"id":
// 1, "result": …} or {"id": 1, "error": …}).
func Channels(t testing.TB, version, script string) *ChannelsProcess {
	t.Helper()
	dir := siteVenv(t)
	if version != ChannelsVersions[len(ChannelsVersions)-1] {
		dir = Venv(t, SiteFile(filepath.Join("older", "channels_redis-"+version+".txt")))
	}
	cmd := interpreter(context.Background(), t, dir, "-c", script)
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatalf("opening the input of Python: %v", err)
	}
	answers, output := io.Pipe()
	c := &ChannelsProcess{input: input, waiting: map[int]chan channelsAnswer{}}
	c.process = start(t, "channels_redis "+version, cmd, output)
	go func() {
		<-c.process.Ended()
		_ = output.Close()
	}()
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.listen(answers)
	}()
	t.Cleanup(func() {
		c.process.Kill()
		<-done
	})
	return c
}

// listen hands out the answers until the process ends.
func (c *ChannelsProcess) listen(from io.Reader) {
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break
		}
		var answer channelsAnswer
		if json.Unmarshal(line, &answer) == nil {
			c.answer(answer)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, to := range c.waiting {
		close(to)
	}
	c.waiting = nil
}

func (c *ChannelsProcess) answer(a channelsAnswer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if to := c.waiting[a.ID]; to != nil {
		delete(c.waiting, a.ID)
		to <- a
	}
}

// Ask has the script do something and decodes its result into a pointer, or
// drops it for nil. Errors are the script's, or those of a process that ended.
func (c *ChannelsProcess) Ask(ctx context.Context, result any, do string, with ...any) error {
	answer, err := c.send(do, with)
	if err != nil {
		return fmt.Errorf("asking Python to %s: %w", do, err)
	}
	select {
	case a, ok := <-answer:
		switch {
		case !ok:
			return fmt.Errorf("python ended and did not %s", do)
		case a.Error != "":
			return fmt.Errorf("python could not %s: %s", do, a.Error)
		case result != nil:
			return json.Unmarshal(a.Result, result)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for Python to %s: %w", do, ctx.Err())
	}
}

func (c *ChannelsProcess) send(do string, with []any) (<-chan channelsAnswer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting == nil {
		return nil, io.ErrClosedPipe
	}
	c.asked++
	line, err := json.Marshal(map[string]any{"id": c.asked, "do": do, "with": with})
	if err != nil {
		return nil, err
	}
	to := make(chan channelsAnswer, 1)
	c.waiting[c.asked] = to
	_, err = c.input.Write(append(line, '\n'))
	return to, err
}
