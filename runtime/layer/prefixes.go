package layer

import (
	"context"
	"strings"
)

// Looking for the prefixes that are in use ends after so many steps of so many
// keys.
const (
	prefixSteps = 100
	prefixStep  = 1000
)

// Prefixes counts, for each prefix that is in use on the layer's hosts, the
// groups that have or had members lately. It looks at 100,000 keys of each host
// at most. Errors are *messages.LayerFailure.
func (c *Core) Prefixes(ctx context.Context) (map[string]int, error) {
	found := map[string]int{}
	for _, s := range c.servers {
		var cursor uint64
		for range prefixSteps {
			keys, next, err := s.redis.Scan(ctx, cursor, "*:group:*", prefixStep).Result()
			if err != nil {
				return nil, s.failure("looking which prefixes are in use", err)
			}
			countPrefixes(found, keys, ":group:")
			if cursor = next; cursor == 0 {
				break
			}
		}
	}
	return found, nil
}

// Prefixes counts, for each prefix that is in use on the layer's hosts, the
// groups that have members at this moment. Errors are *messages.LayerFailure.
func (p *PubSub) Prefixes(ctx context.Context) (map[string]int, error) {
	found := map[string]int{}
	for _, s := range p.servers {
		channels, err := s.redis.PubSubChannels(ctx, "*__group__*").Result()
		if err != nil {
			return nil, s.failure("looking which prefixes are in use", err)
		}
		countPrefixes(found, channels, "__group__")
	}
	return found, nil
}

func countPrefixes(found map[string]int, names []string, mark string) {
	for _, name := range names {
		prefix, _, _ := strings.Cut(name, mark)
		found[prefix]++
	}
}
