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

// codec makes the bodies of messages and reads them: serialized, then
// encrypted where there are keys.
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

// bundle appends a bundle to which the tail of a message is still to come;
// extra as appendBundle's. In JSON, bytes are written as their base64, and each
// payload of which that is true is odd.
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

// message appends a message to which the tail is still to come.
func (c *codec) message(dst []byte, m messages.Map, extra int) ([]byte, error) {
	if !c.json {
		return appendPairs(appendMapHead(dst, len(m)+extra), m, 0)
	}
	return python.JSON{ASCII: true}.AppendOpen(dst, m)
}

// The tails of a message: nothing, the one channel that it is for, or the list
// of those that share a queue.
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

// seal encrypts the body that stands at the end of buf, where there are keys. A
// message that is written again to the same queue gets the same IV, by which it
// is known there; nobody can tell what the IV will be.
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

// identity says which bytes of a member, counted from 1, tell that it is the
// same message as before; -1 is the last one.
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

// decrypt is what stands in a body, serialized.
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

// plain is what stands in a body, not decoded.
func (c *codec) plain(body string) (raw, error) {
	plain, err := c.decrypt(body)
	if err == nil && c.json {
		var text []byte
		text, err = utf8Text([]byte(plain))
		plain = string(text)
	}
	return raw{plain, c.json}, err
}

// EncodeBody makes of a message what stands in a queue of such a layer, behind
// the random prefix. It is for tools and tests: a Client does this by itself.
func (c Config) EncodeBody(m messages.Map) ([]byte, error) {
	codec := c.codec()
	body, err := codec.message(nil, m, 0)
	if err != nil {
		return nil, fmt.Errorf("packing a layer message: %w", err)
	}
	return codec.seal(append(body, codec.noTail()...), 0, uint64(time.Now().UnixMicro()), ""), nil
}

// DecodeBody reads what stands in a queue of such a layer behind the random
// prefix. Errors tell the size and never the content.
func (c Config) DecodeBody(body string) (messages.Map, error) { return c.codec().decode(body) }

func (c Config) codec() *codec {
	c = c.withDefaults()
	return newCodec(c, c.maxTokenAge(), time.Now)
}
