package layer

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
)

// maxPartitions is up to how many partitions a stream is believed to have, of all
// generations: what stands in Redis may be wrong.
const maxPartitions = 10_000

// generation is one generation of a stream's partitions.
type generation struct{ number, partitions int }

// parseGenerations reads what a stream's info says of its generations, oldest first; none
// where that is not as it would be written.
func parseGenerations(text string) (list []generation) {
	sum := 0
	for _, word := range strings.Fields(text) {
		number, partitions, ok := strings.Cut(word, ":")
		n, bad := strconv.Atoi(number)
		p, worse := strconv.Atoi(partitions)
		if sum += p; !ok || bad != nil || worse != nil || n < 1 || p < 1 || sum > maxPartitions || sum < 0 {
			return nil
		}
		list = append(list, generation{n, p})
	}
	return list
}

// partition is the key of a partition of a stream.
func (k keys) partition(stream string, g, number int) string {
	return fmt.Sprintf("%s:%d:%d", k.stream(stream), g, number)
}

// Streams are the streams that there are, by name, with what is in each. Errors are
// *messages.LayerFailure.
func (c *Core) Streams(ctx context.Context) ([]messages.StreamInfo, error) {
	names, err := c.redis.SMembers(ctx, c.keys.streams()).Result()
	if err != nil {
		return nil, c.failure("reading the names of the streams", err)
	}
	slices.Sort(names)
	return c.streamInfos(ctx, names)
}

// streamQueues are the streams among targets, as queues.
func (c *Core) streamQueues(ctx context.Context, targets []messages.Target) (list []messages.QueueInfo, err error) {
	var names []string
	for _, t := range targets {
		if t.Kind == messages.Stream {
			names = append(names, t.Name)
		}
	}
	streams, err := c.streamInfos(ctx, names)
	for _, s := range streams {
		list = append(list, messages.QueueInfo{Name: messages.Target{Kind: messages.Stream, Name: s.Name}.String(), Length: s.Messages, Capacity: s.MaxMessages})
	}
	return list, err
}

func (c *Core) streamInfos(ctx context.Context, names []string) ([]messages.StreamInfo, error) {
	list := make([]messages.StreamInfo, 0, len(names))
	for _, name := range names {
		info, err := c.streamInfo(ctx, name)
		if err != nil {
			return nil, c.failure("reading stream "+name, err)
		}
		list = append(list, info)
	}
	return list, nil
}

func (c *Core) streamInfo(ctx context.Context, name string) (f messages.StreamInfo, err error) {
	known, err := c.redis.HGetAll(ctx, c.keys.stream(name)).Result()
	if err != nil {
		return f, err
	}
	f.Name = name
	f.MaxMessages, _ = strconv.Atoi(known["max_messages"])
	f.MaxBytes, _ = strconv.Atoi(known["max_bytes"])
	pipe := c.redis.Pipeline()
	letters := pipe.XLen(ctx, c.keys.streamLetters(name))
	var lengths []*redis.IntCmd
	var firsts []*redis.XMessageSliceCmd
	var ends []int
	for _, g := range parseGenerations(known["generations"]) {
		for k := range g.partitions {
			key := c.keys.partition(name, g.number, k)
			lengths, firsts = append(lengths, pipe.XLen(ctx, key)), append(firsts, pipe.XRangeN(ctx, key, "-", "+", 1))
			end, _ := strconv.Atoi(known[fmt.Sprintf("end:%d:%d", g.number, k)])
			ends = append(ends, end)
		}
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return f, err
	}
	f.DeadLetters = int(letters.Val())
	for i := range lengths {
		f.Messages += int(lengths[i].Val())
		f.Bytes += bytesFrom(firsts[i].Val(), ends[i])
	}
	return f, nil
}

// bytesFrom are the bytes of a partition from its first entry to the end of its running
// count.
func bytesFrom(first []redis.XMessage, end int) int {
	if len(first) == 0 {
		return 0
	}
	body, _ := first[0].Values["body"].(string)
	count, _ := first[0].Values["b"].(string)
	at, _ := strconv.Atoi(count)
	return max(len(body), end-at+len(body))
}
