package mqtt

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// firstBytes is how much of what a peer sent is kept for the classifier.
const firstBytes = 8

var errRemainingLength = errors.New("the broker sent a remaining length of more than four bytes") // [MQTT-1.5.5-1]

// frameReader cuts the stream into packets. It does not trust the length that
// a packet announces: memory grows with what has really come.
type frameReader struct {
	r     *bufio.Reader
	first []byte
	frame bytes.Buffer
}

func newFrameReader(r io.Reader) *frameReader {
	return &frameReader{r: bufio.NewReaderSize(r, 64<<10)}
}

// next returns one whole packet, which is valid until the next call.
func (f *frameReader) next() ([]byte, error) {
	if f.frame.Cap() > keptBuffer {
		f.frame = bytes.Buffer{}
	}
	f.frame.Reset()
	length, err := f.header()
	if err != nil {
		return nil, err
	}
	if _, err := io.CopyN(&f.frame, f.r, int64(length)); err != nil {
		return nil, unexpected(err)
	}
	return f.frame.Bytes(), nil
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
		b := f.frame.Bytes()[1:]
		if b[len(b)-1] < 0x80 {
			length, _ := variableInt(b)
			return length, nil
		}
		if len(b) == 4 {
			return 0, errRemainingLength
		}
	}
}

func (f *frameReader) copyByte() error {
	if len(f.first) == 0 {
		f.peek()
	}
	b, err := f.r.ReadByte()
	if err == nil {
		f.frame.WriteByte(b)
	}
	return err
}

// peek waits for the first byte and keeps what came with it.
func (f *frameReader) peek() {
	if _, err := f.r.Peek(1); err != nil {
		return
	}
	b, _ := f.r.Peek(min(firstBytes, f.r.Buffered()))
	f.first = append(f.first, b...)
}

// unexpected: the stream ended within a packet.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
