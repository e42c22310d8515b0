package layer

import (
	"crypto/aes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/python"
)

// codec makes and reads the bodies of messages: serialized, and encrypted if there are keys.
type codec struct {
	channel  string
	json     bool
	elements int     // of one message at most; 0: any number
	crypt    *fernet // nil: in clear
	now      func() time.Time
	secret   []byte // of this process, for the IVs
}

func newCodec(c Config, maxAge time.Duration, now func() time.Time) *codec {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	return &codec{
		channel: c.Channel, json: c.Serializer == JSON, elements: c.MaxElements, now: now, secret: secret,
		crypt: newFernet(c.EncryptionKeys, maxAge),
	}
}

// bundle appends a bundle, without the tail of a message; extra is as in appendBundle. In JSON,
// bytes are written as base64, and count as odd payloads.
func (c *codec) bundle(dst []byte, b *messages.Bundle, extra int) (out []byte, u oddities) {
	if !c.json {
		return appendBundle(dst, c.channel, b, extra)
	}
	packed, u := appendBundle(nil, c.channel, b, 0)
	m, err := DecodeMessage(string(packed))
	if err == nil {
		out, err = python.JSON{ASCII: true, Base64: true}.AppendOpen(dst, m)
	}
	if err != nil {
		panic(err) // what appendBundle writes can be read
	}
	u.payloads = max(u.payloads, binaryPayloads(m))
	return out, u
}

// binaryPayloads counts the events whose payload is bytes.
func binaryPayloads(m messages.Map) (n int) {
	one, _ := m.Get("message")
	list := []any{one}
	if several, plural := m.Get("messages"); plural {
		list, _ = several.([]any)
	}
	for _, inner := range list {
		event, _ := inner.(messages.Map)
		payload, _ := event.Get("payload")
		if _, is := payload.([]byte); is {
			n++
		}
	}
	return n
}

// message appends a message, without its tail.
func (c *codec) message(dst []byte, m messages.Map, extra int) ([]byte, error) {
	if !c.json {
		return appendPairs(appendMapHead(dst, len(m)+extra), m, 0)
	}
	return python.JSON{ASCII: true}.AppendOpen(dst, m)
}

// The tails of a message: none, the one channel that it is for, or the list of those that share a
// queue.
func (c *codec) noTail() []byte {
	if c.json {
		return []byte("}")
	}
	return nil
}

func (c *codec) channelTail(name string) []byte {
	if c.json {
		return c.jsonTail(name)
	}
	return appendAnyText(appendStr(nil, asgiChannel), name)
}

func (c *codec) membersTail(names []string) []byte {
	if c.json {
		list := make([]any, len(names))
		for i, name := range names {
			list[i] = name
		}
		return c.jsonTail(list)
	}
	tail := appendArrayHead(appendStr(nil, asgiChannel), len(names))
	for _, name := range names {
		tail = appendAnyText(tail, name)
	}
	return tail
}

func (c *codec) jsonTail(v messages.Value) []byte {
	tail, _ := python.JSON{ASCII: true, Base64: true}.Append([]byte(`, "`+asgiChannel+`": `), v) // names are text, or else bytes
	return append(tail, '}')
}

// seal encrypts the body at the end of buf, if there are keys. A message that is written again to
// the same queue gets the same IV, by which it is recognised there. The IV cannot be predicted.
func (c *codec) seal(buf []byte, body int, stamp uint64, queue string) []byte {
	if c.crypt == nil {
		return buf
	}
	mac := hmac.New(sha256.New, c.secret)
	mac.Write(binary.BigEndian.AppendUint64(nil, stamp))
	mac.Write([]byte(queue))
	var iv [aes.BlockSize]byte
	copy(iv[:], mac.Sum(nil))
	return append(buf[:body], c.crypt.append(nil, buf[body:], c.now(), iv)...)
}

// identity returns the range of bytes, counted from 1, that are equal in a member that is written
// again; -1 is the last byte.
func (c *codec) identity(prefix int) (from, to int) {
	switch {
	case c.crypt != nil:
		return prefix + 13, prefix + 32 // 15 bytes of the IV
	case prefix >= 8:
		return 1, min(prefix, 12)
	}
	return 1, -1
}

// decode reads a body. Its errors tell the size and never the content.
func (c *codec) decode(body string) (messages.Map, error) {
	plain, err := c.decrypt(body)
	if err != nil {
		return nil, err
	}
	if c.json {
		return decodeJSON(plain, c.elements)
	}
	return decodeMessage(plain, c.elements)
}

// decrypt returns the serialized message in a body.
func (c *codec) decrypt(body string) (string, error) {
	if c.crypt == nil {
		return body, nil
	}
	plain, err := c.crypt.open(body, c.now())
	if err != nil {
		return "", fmt.Errorf("decrypting a layer message of %d bytes: %w", len(body), err)
	}
	return string(plain), nil
}

// plain returns the message in a body, not decoded.
func (c *codec) plain(body string) (raw, error) {
	plain, err := c.decrypt(body)
	if err == nil && c.json {
		var text []byte
		text, err = utf8Text([]byte(plain))
		plain = string(text)
	}
	return raw{plain, c.json}, err
}

// EncodeBody encodes a message as it is in a queue of such a layer, without the random prefix. It
// is for tests: a Core does this itself.
func (c Config) EncodeBody(m messages.Map) ([]byte, error) {
	codec := c.codec()
	body, err := codec.message(nil, m, 0)
	if err != nil {
		return nil, fmt.Errorf("packing a layer message: %w", err)
	}
	return codec.seal(append(body, codec.noTail()...), 0, uint64(time.Now().UnixMicro()), ""), nil
}

// DecodeBody decodes a message of a queue of such a layer, without the random prefix. It is for
// tests. Errors name the size and never the content.
func (c Config) DecodeBody(body string) (messages.Map, error) { return c.codec().decode(body) }

func (c Config) codec() *codec {
	c = c.withDefaults()
	return newCodec(c, c.maxTokenAge(), time.Now)
}
