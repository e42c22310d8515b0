package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/config"
)

// devListenDefault is where dev listens, and where tree and healthcheck ask, unless they
// are told.
const devListenDefault = "127.0.0.1:8083"

func treeCommand() *cobra.Command {
	var watch, asJSON bool
	c := configured(&cobra.Command{
		Use:   "tree",
		Short: "Show the parts of the worker on this machine, and what waits where",
		Long: `Show the parts of a running worker. Each handles one message after the other:
HANDLED is how many since it was started, WAITING how many have come and are not
handled yet. RESTARTS counts how often it failed and was restarted, for example when a
connection was lost. If there are thousands of parts of a kind, they share a line.
This asks the worker at HTTP_LISTEN (by default ` + devListenDefault + `, as for dev). If the
worker has an HTTP_TOKEN, set the same here.`,
		Example: `  chanmqttproxy tree
  chanmqttproxy tree --watch
  chanmqttproxy tree --json | jq .Stats.Received`,
	}, func(c *cobra.Command, cfg *config.Config) error {
		show := asTable
		if asJSON {
			show = asLine
		}
		return watchTree(c.Context(), cfg.HTTP, watch, func(event []byte) error {
			if watch && !asJSON && term.IsTerminal(int(os.Stdout.Fd())) {
				fmt.Fprint(c.OutOrStdout(), "\x1b[H\x1b[2J")
			}
			return show(c.OutOrStdout(), event)
		})
	})
	c.Flags().BoolVar(&watch, "watch", false, "show it again every second")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON, on one line")
	return c
}

// watchTree shows the tree once, or whenever the worker tells of it until ctx
// ends.
func watchTree(ctx context.Context, at config.HTTP, watch bool, show func([]byte) error) error {
	listen := cmp.Or(at.Listen, devListenDefault)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+reachable(listen)+"/api/events", nil)
	if err != nil {
		return err // a checked address
	}
	if at.Token != "" {
		r.Header.Set("Authorization", "Bearer "+at.Token)
	}
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		return fmt.Errorf("asking the worker: %w; does it run with HTTP_LISTEN=%s?", err, listen)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return refused(answer)
	}
	err = eachTree(answer.Body, watch, show)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// refused says why there is no tree.
func refused(answer *http.Response) error {
	var said struct{ Error string }
	if json.NewDecoder(answer.Body).Decode(&said) != nil || said.Error == "" {
		return fmt.Errorf("the worker at HTTP_LISTEN does not serve the page: %s", answer.Status)
	}
	return errors.New(said.Error)
}

// eachTree reads server-sent events, and shows those called tree.
func eachTree(stream io.Reader, watch bool, show func([]byte) error) error {
	lines := bufio.NewScanner(stream)
	lines.Buffer(nil, 64<<20)
	name := ""
	for lines.Scan() {
		if n, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			name = n
		}
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok || name != "tree" {
			continue
		}
		if err := show([]byte(data)); err != nil || !watch {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("watching the worker: %w", err)
	}
	return errors.New("the worker has stopped")
}

func asLine(out io.Writer, event []byte) error {
	_, err := fmt.Fprintf(out, "%s\n", event)
	return err
}

// seen is what the worker tells of its tree, and of the session slots.
type seen struct {
	messages.Watch
	Slots *struct {
		Workers, Sessions, Before int
		Standby                   bool
		Held                      []int
		All                       []messages.SlotInfo
	}
}

// sessions says which part of the whole the worker has, where there is more than one.
func (t seen) sessions() string {
	s := t.Slots
	if s == nil || s.Workers < 2 && s.Sessions < 2 {
		return ""
	}
	line := fmt.Sprintf("%d sessions, %d workers; %d here:", s.Sessions, s.Workers, len(s.Held))
	for _, n := range s.Held {
		line += fmt.Sprintf(" %d", n)
	}
	if s.Before > 0 {
		line += fmt.Sprintf("; filters are moving, there were %d sessions before", s.Before)
	}
	if s.Standby {
		line += " none: standing by"
	}
	for _, slot := range s.All {
		line += fmt.Sprintf("\n  session %d: %s", slot.Number, heldBy(slot))
		if slices.Contains(s.Held, slot.Number) {
			line += ", this worker"
		}
		line += progressOf(slot)
	}
	return line + "\n\n"
}

// heldBy says who holds a session slot.
func heldBy(s messages.SlotInfo) string {
	if s.Holder == "" {
		return "held by no worker"
	}
	return fmt.Sprintf("held by %s for another %v, epoch %d", cmp.Or(s.Name, s.Holder), s.Left.Round(100*time.Millisecond), s.Epoch)
}

// progressOf says how far a session slot has come, if that is known.
func progressOf(s messages.SlotInfo) string {
	p := s.Progress
	if p == nil {
		return ""
	}
	said := fmt.Sprintf("; %d filters, %d granted, %d refused", p.Own, p.Granted, p.Refused)
	if p.Moving > 0 {
		said += fmt.Sprintf(", %d moving", p.Moving)
	}
	if p.Lag > 0 {
		said += fmt.Sprintf("; %d changes behind", p.Lag)
	}
	return said
}
