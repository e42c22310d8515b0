package layer

import (
	"context"
	_ "embed" // the script

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
)

var (
	//go:embed adoptold.lua
	adoptOldSource string

	adoptOldScript = redis.NewScript(adoptOldSource)
)

// adoptOld is for the first slot. On each host it moves back to the command channel what older
// workers have given to other slots. The messages between those slots are dropped when they are
// received.
func (c *Core) adoptOld(ctx context.Context, slots int) error {
	if c.keys.slot != 0 {
		return nil
	}
	for slot := messages.StreamSlot; slot < slots; slot++ {
		if slot == 0 {
			continue
		}
		of := c.keys
		of.slot = slot
		for _, s := range c.servers {
			keys := []string{of.commands(), of.readers(), c.keys.commands()}
			moved, err := adoptOldScript.Run(ctx, s.redis, keys, of.inflight(""), c.config.Expiry).Int()
			if err != nil {
				return err
			}
			if moved > 0 {
				c.log.Info("taking over commands that an older version left with a session slot", "commands", moved, "slot", messages.SlotName(slot), "host", s.host.Name())
			}
		}
	}
	return nil
}
