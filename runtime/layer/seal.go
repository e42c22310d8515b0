package layer

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

// Where the layer encrypts, the stored subscriptions are sealed too, and what slots say of
// theirs: by the same keys, as Fernet tokens, of any age. A stored entry is a field, ["sealed",
// a keyed hash of the clear field], and the token of both clear field and value; so an entry can
// neither be read nor made, nor moved to another field or slot, without a key.

// sealedWord begins the fields of sealed entries.
const sealedWord = "sealed"

// sealer seals and opens what is stored; nil: nothing is sealed.
type sealer struct{ crypt *fernet }

// newSealer is nil where there are no keys.
func newSealer(keys []string) *sealer {
	if crypt := newFernet(keys, 0); crypt != nil {
		return &sealer{crypt}
	}
	return nil
}

// token encrypts a text.
func (s *sealer) token(text string) string {
	var iv [16]byte
	_, _ = rand.Read(iv[:]) // never fails
	return string(s.crypt.append(nil, []byte(text), time.Now(), iv))
}

// message seals what is published.
func (s *sealer) message(text string) string {
	if s == nil || text == "" {
		return text
	}
	return s.token(text)
}

// openMessage is the text of a message, as it was before message.
func (s *sealer) openMessage(text string) (string, bool) {
	if s == nil {
		return text, true
	}
	plain, err := s.crypt.open(text, time.Now())
	return string(plain), err == nil
}

// field is where an entry of a key in Redis is stored.
func (s *sealer) field(key, field string) string {
	if s == nil {
		return field
	}
	return s.crypt.keys[0].sealedField(key, field)
}

// entry is a field and its value as they are stored.
func (s *sealer) entry(key, field, value string) (string, string) {
	if s == nil {
		return field, value
	}
	return s.field(key, field), s.token(format([]string{field, value}))
}

// changes seals the pairs of field and value to put, and the fields to remove, in place.
func (s *sealer) changes(key string, put, gone []string) {
	for i := 0; i+1 < len(put); i += 2 {
		put[i], put[i+1] = s.entry(key, put[i], put[i+1])
	}
	for i, field := range gone {
		gone[i] = s.field(key, field)
	}
}

// sealedField is a field that only those who have the key can name.
func (k fernetKey) sealedField(key, field string) string {
	mac := hmac.New(sha256.New, k.signing)
	// No token begins like this, so what is signed here is none.
	mac.Write([]byte("chanmqttproxy field\x00" + key + "\x00" + field))
	return format([]string{sealedWord, base64.RawURLEncoding.EncodeToString(mac.Sum(nil))})
}

// isSealed says whether a field is one of a sealed entry.
func isSealed(field string) bool { return strings.HasPrefix(field, `["`+sealedWord+`",`) }

// open are the entries of a hash of older versions that can be read. Those in clear, from
// before there were keys, count only as long as none is sealed: else whoever can write to Redis
// could add some.
func (s *sealer) open(key string, stored map[string]string) map[string]string {
	if s == nil {
		return stored
	}
	entries := map[string]string{}
	for field, token := range stored {
		inner, value, ok := s.openEntry(key, field, token)
		if _, there := entries[inner]; ok && (!there || s.field(key, inner) == field) {
			entries[inner] = value
		}
	}
	if len(entries) > 0 {
		return entries
	}
	for field, value := range stored {
		if !isSealed(field) {
			entries[field] = value
		}
	}
	return entries
}

// openEntry is the clear field and value of a sealed entry, where a key opens it and it
// is where it belongs.
func (s *sealer) openEntry(key, field, token string) (inner, value string, ok bool) {
	if s == nil {
		return "", "", false
	}
	plain, err := s.crypt.open(token, time.Now())
	var pair []string
	if err != nil || json.Unmarshal(plain, &pair) != nil || len(pair) != 2 || !s.names(key, pair[0], field) {
		return "", "", false
	}
	return pair[0], pair[1], true
}

// names says whether a field is the stored name of another by any of the keys.
func (s *sealer) names(key, field, stored string) bool {
	for _, k := range s.crypt.keys {
		if hmac.Equal([]byte(k.sealedField(key, field)), []byte(stored)) {
			return true
		}
	}
	return false
}

// openTo is an entry of a table in clear. Where there are keys one that is not sealed is
// none: whoever can write to Redis could have made it.
func (s *sealer) openTo(key string, e entry) (entry, bool) {
	if s == nil {
		return e, !isSealed(e.field)
	}
	field, value, ok := s.openEntry(key, e.field, e.value)
	return entry{field, value, e.number}, ok
}
