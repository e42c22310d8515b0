package layer_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/golden"
	"chanmqttproxy/test/kit"
)

// notOurs lists the cases of redis_state.json that do not apply, with reasons.
var notOurs = map[string]string{
	"send of a list": "a messages.Map cannot be a list",
	"empty message":  "refused: on a specific channel its reader swallows it",
	"2 hosts: the round robin counter is shared by all general channels":        "ours is of each channel: two that take turns would have a host each",
	"2 hosts: send to specific channels is placed by the hash of the FULL name": "their reader is on the host of the non-local name, and never finds them",
}

type stateFile struct {
	Cases []struct {
		Name   string
		Hosts  int
		Config struct {
			Prefix                        *string
			Expiry, Capacity, GroupExpiry int
			Group                         int             `json:"group_expiry"`
			Patterns                      json.RawMessage `json:"channel_capacity"`
		}
		Steps []struct {
			Op     string
			Args   []golden.Value
			Result any
		}
		State []struct {
			Host    int
			Key     string
			TTL     int
			Members []any
		}
	}
}

func TestGoldenRedisState(t *testing.T) {
	t.Parallel()
	servers := map[string]func(t *testing.T) string{
		"redis":     func(t *testing.T) string { return kit.Redis(t).Addr() },
		"miniredis": func(t *testing.T) string { return runMiniredis(t).Addr() },
	}
	for name, open := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addrs := []string{open(t), open(t), open(t)}
			var file stateFile
			golden.Load(t, "redis_state.json", &file)
			for _, c := range file.Cases {
				if notOurs[c.Name] != "" {
					continue
				}
				s := &state{t: t, name: c.Name, prefix: "asgi"}
				config := layer.Config{
					Prefix: c.Config.Prefix, Expiry: c.Config.Expiry, Capacity: c.Config.Capacity, GroupExpiry: c.Config.Group,
					Capacities: statePatterns(t, c.Config.Patterns),
				}
				for _, addr := range addrs[:c.Hosts] {
					plain := kit.RedisClient(t, addr)
					plain.FlushAll(context.Background())
					s.redis = append(s.redis, plain)
					config.Hosts = append(config.Hosts, layer.Host{Redis: kit.RedisOptions(addr)})
				}
				if c.Config.Prefix != nil {
					s.prefix = *c.Config.Prefix
				}
				s.layer = layer.NewCore(config, slog.New(slog.NewTextHandler(io.Discard, nil)))
				t.Cleanup(s.layer.Close)
				for _, step := range c.Steps {
					ok := s.do(step.Op, step.Args[0].Text(t), step.Args[1])
					if ok != (step.Result == "ok") {
						t.Errorf("%s: %s went well is %v, Python: %v", c.Name, step.Op, ok, step.Result)
					}
				}
				want := make([][]string, c.Hosts)
				for _, row := range c.State {
					want[row.Host] = append(want[row.Host], row.Key)
					if strings.Contains(row.Key, ":group:") {
						continue // written by this test
					}
					s.compare(s.redis[row.Host], row.Key, row.TTL, row.Members)
				}
				for i, plain := range s.redis {
					got := plain.Keys(context.Background(), "*").Val()
					slices.Sort(got)
					if !slices.Equal(got, want[i]) {
						t.Errorf("%s: keys of host %d: %q, want %q", c.Name, i, got, want[i])
					}
				}
			}
		})
	}
}

// statePatterns reads channel_capacity in its order.
func statePatterns(t *testing.T, raw json.RawMessage) (list []layer.Pattern) {
	if raw == nil {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	_, _ = d.Token()
	for d.More() {
		key, err := d.Token()
		p := layer.Pattern{}
		if err = errors.Join(err, d.Decode(&p.Capacity)); err != nil {
			t.Fatal(err)
		}
		p.Glob = key.(string)
		list = append(list, p)
	}
	return list
}

type state struct {
	t      *testing.T
	name   string
	redis  []*redis.Client
	layer  *layer.Core
	prefix string
}

// do makes one step and says whether Python would call it a success.
func (s *state) do(op, to string, arg golden.Value) bool {
	ctx := context.Background()
	key, host := s.prefix+":group:"+to, s.redis[layer.Ring(to, len(s.redis))]
	switch op {
	case "group_add":
		now := float64(time.Now().UnixMicro()) / 1e6
		return host.ZAdd(ctx, key, redis.Z{Score: now, Member: arg.Text(s.t)}).Err() == nil
	case "group_discard":
		return host.ZRem(ctx, key, arg.Text(s.t)).Err() == nil
	}
	target := messages.Target{Kind: messages.Channel, Name: to}
	message := arg.Map(s.t)
	if op == "group_send" {
		target.Kind = messages.Group
		// The caller has to leave out what Python overwrites.
		message = slices.DeleteFunc(message, func(p messages.Pair) bool { return p.Key == "__asgi_channel__" })
	}
	outcome, err := s.layer.SendMessages(ctx, target, message)
	return err == nil && (len(outcome.FullQueues) == 0 || op == "group_send") // which is silent
}

// compare compares a queue with what Python left. The order of a map's entries
// has no meaning to it, and in one case it is another.
func (s *state) compare(host *redis.Client, key string, ttl int, members []any) {
	ctx := context.Background()
	got := host.ZRangeWithScores(ctx, key, 0, -1).Val()
	if len(got) != len(members) {
		s.t.Errorf("%s: %s has %d members, want %d", s.name, key, len(got), len(members))
		return
	}
	if life := host.TTL(ctx, key).Val(); life > time.Duration(ttl)*time.Second || life < time.Duration(ttl-5)*time.Second {
		s.t.Errorf("%s: %s lives %v, want %d s", s.name, key, life, ttl)
	}
	for i, m := range members {
		want, _ := base64.StdEncoding.DecodeString(m.(map[string]any)["body_b64"].(string))
		body := got[i].Member.(string)[12:]
		if sorted(s.t, body) != sorted(s.t, string(want)) {
			s.t.Errorf("%s: %s holds %q, want %q", s.name, key, body, want)
		}
		if age := float64(time.Now().Unix()) - got[i].Score; age < -5 || age > 60 {
			s.t.Errorf("%s: score %f is no Unix time", s.name, got[i].Score)
		}
	}
}

func sorted(t *testing.T, body string) string {
	m, err := layer.DecodeMessage(body)
	if err != nil {
		t.Error(err)
	}
	slices.SortFunc(m, func(a, b messages.Pair) int { return strings.Compare(a.Key, b.Key) })
	return dump(m)
}
