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

// peer is a member of the channel layer with a channel of its own, as a consumer
// of a site is.
type peer struct {
	layer.Peer
	channel string // its own
	worker  string // that of the worker
}

// newPeer makes one. leave is to be called.
func newPeer(cfg *config.Config) *peer {
	c := worker.LayerConfig(cfg)
	p := &peer{worker: cfg.Channel, channel: "chanmqttproxy-" + strings.ToLower(rand.Text()[:12])}
	c.Channel, c.MaxElements = p.channel, 0 // events may be of any size
	p.Peer = layer.Open(c, slog.New(slog.DiscardHandler))
	return p
}

// leave goes, and leaves nothing behind.
func (p *peer) leave(groups ...string) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	for _, group := range groups {
		_ = p.Leave(ctx, group) // it expires
	}
	_ = p.Discard(ctx)
	p.Close()
}

// command sends a command to the worker.
func (p *peer) command(ctx context.Context, m messages.Map) error {
	return layer.Request(ctx, p.Peer, p.worker, m)
}

// errEnough ends each.
var errEnough = errors.New("enough")

// each calls do with what comes, until it says that this is enough, or ctx ends.
func (p *peer) each(ctx context.Context, do func(messages.Map) (enough bool, err error)) error {
	err := layer.ReceiveAll(ctx, p.Peer, 100, func(list []layer.Message) error {
		for _, m := range list {
			if err := p.Acknowledge(ctx, []messages.Receipt{m.Receipt}); err != nil {
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
