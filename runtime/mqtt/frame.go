package mqtt

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
)

const (
	// firstBytes is how much of what a peer sent is kept for the classifier.
	firstBytes = 8
	// ownMemory is the size above which a frame has memory of its own.
	ownMemory = 64 << 10
	// maximumControl bounds the packets other than PUBLISH. The longest useful one is a CONNACK
	// with a few strings of 64 kB each.
	maximumControl = 1 << 20
)

var errRemainingLength = errors.New("the broker sent a remaining length of more than four bytes") // [MQTT-1.5.5-1]

// frame is one packet as it came.
type frame struct {
	// bytes are the whole packet, or, of a PUBLISH that is too large, only up to its topic and
	// packet id.
	bytes []byte
	// size is how long the packet is. If there are fewer bytes, the rest was skipped.
	size int
	// own: the bytes are not used again for another packet.
	own bool
}

func (f frame) kind() byte { return f.bytes[0] >> 4 }

// frameReader cuts the stream into packets. It does not trust the length that a packet announces: it
// allocates memory for what has come only.
type frameReader struct {
	r     *bufio.Reader
	first []byte
	frame []byte
	// maximum is the size of the largest PUBLISH that is not skipped; 0: there is none.
	maximum int
}

func newFrameReader(r io.Reader) *frameReader {
	return &frameReader{r: bufio.NewReaderSize(r, 64<<10)}
}

// next returns one packet, which is valid until the next call unless its memory is its
// own.
func (f *frameReader) next() (frame, error) {
	f.frame = f.frame[:0]
	length, err := f.header()
	if err != nil {
		return frame{}, err
	}
	kind, size := f.frame[0]>>4, len(f.frame)+int(length)
	switch {
	case kind == typePublish && f.maximum > 0 && size > f.maximum:
		return f.skip(int(length))
	case kind != typePublish && size > maximumControl:
		return frame{}, fmt.Errorf("the broker sent a packet of type %d with %d bytes; it may have at most %d", kind, size, maximumControl)
	case size >= ownMemory:
		return f.large(size)
	}
	if err := f.fill(int(length)); err != nil {
		return frame{}, err
	}
	return frame{bytes: f.frame, size: size}, nil
}

// fill reads so many bytes, which are few, into the frame.
func (f *frameReader) fill(n int) error {
	at := len(f.frame)
	f.frame = slices.Grow(f.frame, n)[:at+n]
	_, err := io.ReadFull(f.r, f.frame[at:])
	return unexpected(err)
}

// large reads the rest of a packet into memory of its own.
func (f *frameReader) large(size int) (frame, error) {
	b := append(make([]byte, 0, min(size, 2*ownMemory)), f.frame...)
	for {
		n, err := io.ReadFull(f.r, b[len(b):cap(b)])
		b = b[:len(b)+n]
		if err != nil {
			return frame{}, unexpected(err)
		}
		if len(b) == size {
			return frame{bytes: b, size: size, own: true}, nil
		}
		b = append(make([]byte, 0, min(size, 2*cap(b))), b...)
	}
}

// skip reads the topic of a PUBLISH and its packet id, and skips what follows. length is the remaining
// length.
func (f *frameReader) skip(length int) (frame, error) {
	size := len(f.frame) + length
	head := min(2, length)
	if err := f.fill(head); err != nil {
		return frame{}, err
	}
	b := f.frame
	topic := stringSize(b[len(b)-head:])
	if b[0]>>1&3 > 0 {
		topic += 2
	}
	rest := length - topic
	if rest < 0 {
		return frame{}, errShort
	}
	if err := f.fill(topic - head); err != nil {
		return frame{}, err
	}
	if _, err := f.r.Discard(rest); err != nil {
		return frame{}, unexpected(err)
	}
	return frame{bytes: f.frame, size: size}, nil
}

// header reads the fixed header into the frame and returns the remaining
// length.
func (f *frameReader) header() (uint32, error) {
	if err := f.copyByte(); err != nil {
		return 0, err
	}
	for {
		if err := f.copyByte(); err != nil {
			return 0, unexpected(err)
		}
		b := f.frame[1:]
		if b[len(b)-1] < 0x80 {
			length, _, _ := variableInt(b)
			return length, nil
		}
		if len(b) == 4 {
			return 0, errRemainingLength
		}
	}
}

func (f *frameReader) copyByte() error {
	if len(f.first) == 0 {
		if err := f.peek(); err != nil {
			return err
		}
	}
	b, err := f.r.ReadByte()
	if err == nil {
		f.frame = append(f.frame, b)
	}
	return err
}

// peek waits for the first byte and keeps what came with it. The reader gives an error
// once: it must not be lost here.
func (f *frameReader) peek() error {
	if _, err := f.r.Peek(1); err != nil {
		return err
	}
	b, _ := f.r.Peek(min(firstBytes, f.r.Buffered()))
	f.first = append(f.first, b...)
	return nil
}

// unexpected returns the error for a stream that ends within a packet.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
