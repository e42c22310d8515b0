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

// Where the layer encrypts, the stored subscriptions are sealed too, and what slots tell
// each other about theirs: by the same keys, as Fernet tokens, of any age. A stored entry is a field, ["sealed", a keyed hash of
// the clear field], and the token of both clear field and value; so an entry can neither
// be read nor made, nor moved to another field or slot, without a key.

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
	if s == nil || field == editionField {
		return field
	}
	return s.crypt.keys[0].sealedField(key, field)
}

// entry is a field and its value as they are stored.
func (s *sealer) entry(key, field, value string) (string, string) {
	if s == nil || field == editionField {
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

// opened are the entries of one key in Redis.
type opened struct {
	// entries are in clear.
	entries map[string]string
	// put and gone are what to change so that all is sealed by the first key.
	put, gone []string
	// unknown is how many no key opens, unsealed how many are in clear among sealed ones.
	unknown, unsealed int
}

// open reads the entries of one key in Redis. Those in clear, from before there were keys,
// count only as long as none is sealed: else whoever can write to Redis could add some.
func (s *sealer) open(key string, stored map[string]string) opened {
	o := opened{entries: map[string]string{}}
	stale := map[string]string{} // stored fields, to the clear ones
	for field, value := range stored {
		if !isSealed(field) {
			continue
		}
		inner, value, ok := s.openEntry(key, field, value)
		switch {
		case !ok:
			o.unknown++
		case s.field(key, inner) == field:
			o.entries[inner] = value
		default:
			stale[field] = inner
		}
	}
	for field, inner := range stale {
		if _, newer := o.entries[inner]; newer {
			o.gone = append(o.gone, field)
			continue
		}
		_, value, _ := s.openEntry(key, field, stored[field])
		o.replace(s, key, field, inner, value)
	}
	sealed := len(o.entries) > 0
	for field, value := range stored {
		_, _, known := parseField(field)
		switch {
		case isSealed(field):
		case field == editionField || s == nil || !known && !isRefusal(field):
			o.entries[field] = value
		case sealed:
			o.unsealed++
		default:
			o.replace(s, key, field, field, value)
		}
	}
	return o
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

// replace takes an entry in that is to be stored anew, and removed from where it was.
func (o *opened) replace(s *sealer, key, old, field, value string) {
	o.entries[field] = value
	name, token := s.entry(key, field, value)
	o.put, o.gone = append(o.put, name, token), append(o.gone, old)
}
