package layer

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"
)

// The parts of a Fernet token before base64: version, time, IV, text, HMAC.
const (
	fernetVersion = 0x80
	fernetHead    = 1 + 8 + aes.BlockSize
	fernetLeast   = fernetHead + aes.BlockSize + sha256.Size
	// maxClockSkew is how far in the future a token's time may be, where its age
	// is limited.
	maxClockSkew = time.Minute
)

// fernet encrypts by the first of its keys and decrypts by any, as
// cryptography's MultiFernet of the keys that channels_redis derives from
// symmetric_encryption_keys: the two halves of their SHA-256.
type fernet struct {
	keys []fernetKey
	// maxAge is how old a token may be to be read, in whole seconds; 0: of any age.
	maxAge time.Duration
}

type fernetKey struct {
	signing []byte
	block   cipher.Block
}

// newFernet is nil where there are no keys.
func newFernet(keys []string, maxAge time.Duration) *fernet {
	if len(keys) == 0 {
		return nil
	}
	f := &fernet{maxAge: maxAge}
	for _, key := range keys {
		sum := sha256.Sum256([]byte(key))
		block, err := aes.NewCipher(sum[16:])
		if err != nil {
			panic(err) // 16 bytes are a key
		}
		f.keys = append(f.keys, fernetKey{signing: sum[:16], block: block})
	}
	return f
}

// append appends the token of plain, which must not overlap with dst.
func (f *fernet) append(dst, plain []byte, now time.Time, iv [aes.BlockSize]byte) []byte {
	pad := aes.BlockSize - len(plain)%aes.BlockSize
	raw := make([]byte, fernetHead, fernetHead+len(plain)+pad+sha256.Size)
	raw[0] = fernetVersion
	binary.BigEndian.PutUint64(raw[1:], uint64(now.Unix()))
	copy(raw[9:], iv[:])
	raw = append(raw, plain...)
	raw = append(raw, bytes.Repeat([]byte{byte(pad)}, pad)...)
	text := raw[fernetHead:]
	cipher.NewCBCEncrypter(f.keys[0].block, iv[:]).CryptBlocks(text, text)
	return base64.URLEncoding.AppendEncode(dst, f.keys[0].sign(raw, raw))
}

// sign appends the HMAC of raw to dst.
func (k fernetKey) sign(dst, raw []byte) []byte {
	mac := hmac.New(sha256.New, k.signing)
	mac.Write(raw)
	return mac.Sum(dst)
}

var (
	errToken = errors.New("not encrypted with one of symmetric_encryption_keys: does the sender have the same keys?")
	errAge   = errors.New("its token is too old, or from the future: the sender's clock differs, or it waited too long")
)

// open gives what a token holds.
func (f *fernet) open(token string, now time.Time) ([]byte, error) {
	raw, err := base64.StdEncoding.DecodeString(standard(token))
	if err != nil || len(raw) < fernetLeast || raw[0] != fernetVersion || len(raw)%aes.BlockSize != fernetLeast%aes.BlockSize {
		return nil, errToken
	}
	signed, sum := raw[:len(raw)-sha256.Size], raw[len(raw)-sha256.Size:]
	for _, k := range f.keys {
		if !hmac.Equal(k.sign(nil, signed), sum) {
			continue
		}
		if !f.fresh(binary.BigEndian.Uint64(raw[1:]), now) {
			return nil, errAge
		}
		return k.decrypt(signed)
	}
	return nil, errToken
}

// fresh looks at a token's time in Unix seconds.
func (f *fernet) fresh(made uint64, now time.Time) bool {
	if f.maxAge == 0 {
		return true
	}
	age := now.Unix() - int64(made)
	return int64(made) >= 0 && age <= int64(f.maxAge/time.Second) && age >= -int64(maxClockSkew/time.Second)
}

// decrypt gives the text of a token whose HMAC was right.
func (k fernetKey) decrypt(signed []byte) ([]byte, error) {
	text := signed[fernetHead:]
	cipher.NewCBCDecrypter(k.block, signed[9:fernetHead]).CryptBlocks(text, text)
	pad := int(text[len(text)-1])
	if pad == 0 || pad > aes.BlockSize {
		return nil, errToken
	}
	for _, b := range text[len(text)-pad:] {
		if int(b) != pad {
			return nil, errToken
		}
	}
	return text[:len(text)-pad], nil
}

// standard is a token in the standard alphabet. As Python's base64 does it leaves
// out what is of no alphabet, such as a newline at the end.
func standard(token string) string {
	b := make([]byte, 0, len(token))
	for i := range len(token) {
		switch c := token[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '+', c == '/', c == '=':
			b = append(b, c)
		case c == '-':
			b = append(b, '+')
		case c == '_':
			b = append(b, '/')
		}
	}
	return string(b)
}
