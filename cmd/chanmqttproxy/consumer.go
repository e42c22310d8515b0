package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/config"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/runtime/worker"
)

// consumer is a client of the channel layer with a channel of its own, as a consumer
// of a site has.
type consumer struct {
	layer.Client
	channel string // its own
	worker  string // that of the worker
}

// newConsumer makes one. leave is to be called.
func newConsumer(cfg *config.Config) *consumer {
	options := worker.LayerConfig(cfg)
	c := &consumer{worker: cfg.Channel, channel: "chanmqttproxy-" + strings.ToLower(rand.Text()[:12])}
	options.Channel, options.MaxElements = c.channel, 0 // events may be of any size
	c.Client = layer.Open(options, slog.New(slog.DiscardHandler))
	return c
}

// leave goes, and leaves nothing behind.
func (c *consumer) leave(groups ...string) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	for _, group := range groups {
		_ = c.Leave(ctx, group) // it expires
	}
	_ = c.Discard(ctx)
	c.Close()
}

// command sends a command to the worker.
func (c *consumer) command(ctx context.Context, m messages.Map) error {
	return layer.Request(ctx, c.Client, c.worker, m)
}

// errEnough ends each.
var errEnough = errors.New("enough")

// each calls do with what comes, until it says that this is enough, or ctx ends.
func (c *consumer) each(ctx context.Context, do func(messages.Map) (enough bool, err error)) error {
	err := layer.ReceiveAll(ctx, c.Client, 100, func(list []layer.Message) error {
		for _, m := range list {
			if err := c.Acknowledge(ctx, []messages.Receipt{m.Receipt}); err != nil {
				return err
			}
			if m.Fault != nil {
				continue
			}
			if enough, err := do(m.Body); enough || err != nil {
				return cmp.Or(err, errEnough)
			}
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// writeJSON writes a message as a line of JSON.
func writeJSON(out io.Writer, m messages.Map) error {
	line, err := json.Marshal(plain(m))
	if err != nil {
		return fmt.Errorf("writing the event as JSON: %w", err)
	}
	_, err = fmt.Fprintf(out, "%s\n", line)
	return err
}

// plain is a value for encoding/json; bytes are text where they are UTF-8, else
// {"base64": …}.
func plain(v messages.Value) any {
	switch v := v.(type) {
	case messages.Map:
		m := map[string]any{}
		for _, p := range v {
			m[p.Key] = plain(p.Value)
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = plain(v[i])
		}
		return list
	case []byte:
		if utf8.Valid(v) {
			return string(v)
		}
		return map[string]string{"base64": base64.StdEncoding.EncodeToString(v)}
	default:
		return v
	}
}
