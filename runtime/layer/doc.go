// Package layer is a client of the Django Channels layer that
// channels_redis.core.RedisChannelLayer keeps in Redis, in all its forms: one host or several,
// msgpack or JSON, in clear or encrypted, one capacity or many.
//
// A Client is a Core or, where the layer is of the pub/sub back end, a PubSub. A Core reads one
// general channel (the commands) and writes to groups and channels. Three promises hold beyond
// what the Python layer gives:
//
//   - What Receive has returned stays in Redis, in keys of this client, until Acknowledge. When
//     the client dies or closes, the next one that receives from the same channel takes it over,
//     and returns it before anything newer.
//   - What Send writes is read in the order of the calls: everything that a process writes to a
//     host goes through one connection, with strictly increasing scores.
//   - A Send repeated with the same batch writes the same members, so that what was written and
//     not read yet is not there twice.
//
// Each queue has its own room. A full queue refuses the rest of a batch, and delays no other
// queue. Send reports it, so that the caller can write the rest to that queue later.
//
// In the default form one script writes to a group. In the other forms the members are read
// first, and then each queue is written to on its own host. The effect is the same.
//
// With several hosts the commands are read from all of them at once, in the order of each host.
// A host that is unreachable holds up the groups with members there, and nothing else.
//
// JSON has no bytes. What would be bytes in an event (a payload that is no text, or is forced to
// be bytes; correlation data) is base64 there, as text: base64.b64decode(message["payload"])
// gives the bytes.
//
// What the worker stores for itself is in keys outside the layer's prefix, which a flush of the
// layer leaves alone: its subscriptions, the commands that could not be carried out (the dead
// letters), the MQTT client id, and which broker sessions are known. They are on the first host,
// but for the dead letters, which are on the host that they came from.
//
// A stream, the third kind of target, is the worker's own too, for readers in any language.
// With "chanmqttproxy:<prefix>:<channel>:" before each key, "streams" is the set of their
// names; the hash "stream:<name>" says format, generations ("1:4 2:8": number and
// partitions, the oldest first), bounds, and what the worker alone needs;
// "stream:<name>:<generation>:<partition>" are Redis Streams with the consumer group
// "handlers", and "stream:<name>:dead" is one of what the readers could not do. An entry has
// v ("1"), b (a running count of bytes, by which the bound is kept without the readers'
// help), and body: the event as msgpack, a Fernet token of that where the layer encrypts. A
// topic is in partition CRC-32 (IEEE) modulo their number. A reader acknowledges and deletes
// what it has done; of several generations it reads the first that is not empty, and the
// worker appends to the last and removes the empty ones before it. test/golden/streams.json
// has examples.
//
// Messages are stored as channels_redis 3.0.1 to 4.3 store them, so Python and Go
// may share each queue, as readers and as writers.
//
// A PubSub is a client of channels_redis.pubsub.RedisPubSubChannelLayer instead, with the same
// methods. It stores nothing and promises little: see its comment. Open makes the one or the
// other.
package layer
