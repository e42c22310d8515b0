package layer_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/conform"
	"chanmqttproxy/test/kit"
)

// slotClient is the client of the holder of a slot.
type slotClient struct{ layer.Client }

func (s slotClient) Intact(ctx context.Context) (bool, error) { return s.Client.Intact(ctx, "", "") }

func TestTables(t *testing.T) {
	t.Parallel()
	redisServer := func(t *testing.T) string { return kit.Redis(t).Addr() }
	for name, form := range map[string]struct {
		addr   func(*testing.T) string
		change func(*layer.Config)
	}{
		"redis":     {redisServer, func(*layer.Config) {}},
		"sealed":    {redisServer, func(c *layer.Config) { c.EncryptionKeys = []string{"new", "old"} }},
		"pub/sub":   {redisServer, func(c *layer.Config) { c.PubSub = true }},
		"miniredis": {func(t *testing.T) string { return runMiniredis(t).Addr() }, func(*layer.Config) {}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conform.TablesSuite(t, func(t *testing.T) conform.Tables {
				addr := form.addr(t)
				open := func(slot int, epoch uint64) layer.Client {
					c := layer.Config{Redis: kit.RedisOptions(addr), Slot: slot, Epoch: epoch}
					if epoch > 0 {
						until := time.Now().Add(time.Hour)
						c.Until = func() time.Time { return until }
					}
					form.change(&c)
					client := layer.Open(c, slog.New(slog.DiscardHandler))
					t.Cleanup(client.Close)
					return client
				}
				admin := kit.RedisClient(t, addr)
				return conform.Tables{
					Writer:   func(slot int, epoch uint64) conform.TableWriter { return slotClient{open(slot, epoch)} },
					Follower: func() actors.Registry { return open(0, 0) },
					Lose:     func() { admin.FlushAll(t.Context()) },
				}
			})
		})
	}
}
