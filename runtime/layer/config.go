package layer

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// Config describes a channel layer. All its clients must have the same values: Redis does not
// store them. The zero value of a field means its default.
type Config struct {
	// Hosts are the servers, in the same order for all clients; default one, at
	// localhost:6379.
	Hosts []Host
	// Redis is short for one plain host, and for hosts that do not say.
	Redis *redis.Options
	// PubSub: Open makes a client of the pub/sub back end.
	PubSub bool
	// Prefix begins all keys; nil means "asgi". It may be empty.
	Prefix *string
	// Expiry is how long a message may wait to be read, in seconds; default 60.
	Expiry int
	// GroupExpiry is how long a membership lasts, in seconds; default 86400.
	GroupExpiry int
	// Capacity is how many messages a queue takes; default 100.
	Capacity int
	// Capacities are other capacities for some channels. The first that matches counts.
	Capacities []Pattern
	// EncryptionKeys are secrets of any length; none: messages are in clear. The
	// first encrypts, and what was encrypted by any of them can be read.
	EncryptionKeys []string
	// Serializer is MsgPack or JSON; default MsgPack.
	Serializer string
	// RandomPrefixLength is how many bytes precede each message to make it unique; nil means
	// 12. With fewer than 8, equal messages may become one, and with 0 they do, as in
	// Python.
	RandomPrefixLength *int
	// Channel is the general channel that Receive reads; default "mqtt". Events
	// have its name as the first part of their type.
	Channel string
	// Slot is the number of the session slot whose tables Write writes. Only the first reads
	// commands.
	Slot int
	// Until returns until when, by the clock of Redis, this client may write events and take
	// commands; nil: always. Redis refuses what comes later. Nobody else reads the commands
	// until then, so what others have in flight is taken over at once.
	Until func() time.Time
	// Epoch is that of the holder of the slot. Redis refuses writes of a lower epoch.
	Epoch uint64
	// Lease is how long after a reader's death others take over what it had in flight;
	// default 5 s. It is renewed four times in that time.
	Lease time.Duration
	// Refusals are shared by the clients of a process, so that one of them logs what Redis
	// refuses; default: the client's own.
	Refusals *Refusals
	// CommandMemory is how many bytes of commands of a pub/sub layer, where none stay in
	// Redis, wait for Receive; default 32 MiB. Further ones are dropped and counted.
	CommandMemory int
	// MaxElements is the most elements of a received message: its containers, their elements,
	// and the keys of dicts. A larger message is not built. 0: there is no limit.
	MaxElements int
	// DeadLetters is how many of them are kept on each host, the newest;
	// default 1000.
	DeadLetters int
	// DeadLetterBytes is how much of each is kept, default 1 MiB and at most half of
	// DeadLetterTotalBytes, which is what all on a host take together, default 16 MiB.
	DeadLetterBytes, DeadLetterTotalBytes int
	// DeadLetterAge is how long they are kept, in whole seconds; default 7 days.
	DeadLetterAge time.Duration
	// StreamPartitions is over how many partitions the topics of a stream are spread,
	// default 4. StreamMessages and StreamBytes are what the readers of one may leave
	// unfinished, default 100,000 and 64 MiB.
	StreamPartitions, StreamMessages, StreamBytes int
}

// The serializers: how messages are written, and how they must be.
const (
	MsgPack = "msgpack"
	JSON    = "json"
)

func (c Config) withDefaults() Config {
	if c.Redis == nil {
		c.Redis = &redis.Options{Addr: "localhost:6379"}
	}
	if len(c.Hosts) == 0 {
		c.Hosts = []Host{{}}
	}
	c.Hosts = slices.Clone(c.Hosts)
	for i := range c.Hosts {
		c.Hosts[i].Redis = cmp.Or(c.Hosts[i].Redis, c.Redis)
	}
	if c.Prefix == nil {
		prefix := "asgi"
		c.Prefix = &prefix
	}
	if c.RandomPrefixLength == nil {
		c.RandomPrefixLength = new(prefixLength)
	}
	c.Serializer = cmp.Or(c.Serializer, MsgPack)
	c.Expiry = cmp.Or(c.Expiry, 60)
	c.GroupExpiry = cmp.Or(c.GroupExpiry, 86400)
	c.Capacity = cmp.Or(c.Capacity, 100)
	c.Channel = cmp.Or(c.Channel, "mqtt")
	c.Lease = cmp.Or(c.Lease, 5*time.Second)
	c.Refusals = cmp.Or(c.Refusals, &Refusals{})
	c.CommandMemory = cmp.Or(c.CommandMemory, 32<<20)
	c.DeadLetters = cmp.Or(c.DeadLetters, 1000)
	c.DeadLetterTotalBytes = cmp.Or(c.DeadLetterTotalBytes, 16<<20)
	c.DeadLetterBytes = min(cmp.Or(c.DeadLetterBytes, 1<<20), c.DeadLetterTotalBytes/2)
	c.DeadLetterAge = cmp.Or(c.DeadLetterAge, 7*24*time.Hour)
	c.StreamPartitions = cmp.Or(c.StreamPartitions, 4)
	c.StreamMessages = cmp.Or(c.StreamMessages, 100_000)
	c.StreamBytes = cmp.Or(c.StreamBytes, 64<<20)
	return c
}

// until is the end of what this client may do, in microseconds; "": there is none.
func (c Config) until() string {
	if c.Until == nil {
		return ""
	}
	return strconv.FormatInt(c.Until().UnixMicro(), 10)
}

// simple says whether a script can find the members of a group and write to all
// of them: one host, one capacity, and bodies that differ in their last bytes
// only.
func (c Config) simple() bool {
	return len(c.Hosts) == 1 && len(c.Capacities) == 0 && len(c.EncryptionKeys) == 0 &&
		c.Serializer == MsgPack && *c.RandomPrefixLength == prefixLength
}

// maxTokenAge is how old an encrypted message may be.
func (c Config) maxTokenAge() time.Duration { return time.Duration(c.Expiry+10) * time.Second }
