package mqtt

import (
	"bytes"
	"context"
	"io"
	"net"
	"reflect"
	"time"

	"chanmqttproxy/messages"

	"github.com/eclipse/paho.golang/packets"
	packets311 "github.com/eclipse/paho.mqtt.golang/packets"
)

// stream is a connection that is only read.
type onlyRead struct {
	net.Conn
	io.Reader
}

func (s onlyRead) Read(b []byte) (int, error) { return s.Reader.Read(b) }

// ReadFrames cuts a stream into packets and decodes them, as a Conn does,
// until one is wrong.
func ReadFrames(v messages.Version, b []byte) (all []*messages.Message, identifiers [][]uint32) {
	for _, p := range ReadFramesWithin(v, 0, b) {
		all, identifiers = append(all, p.Message), append(identifiers, p.Identifiers)
	}
	return all, identifiers
}

// ReadPublish is what became of a PUBLISH.
type ReadPublish struct {
	Message     *messages.Message
	Identifiers []uint32
	ID          uint16
	// Oversized is its size where that is too large; Dropped are user properties.
	Oversized, Dropped int
}

// ReadFramesWithin does the same where a PUBLISH may have so many bytes.
func ReadFramesWithin(v messages.Version, maximum int, b []byte) (all []ReadPublish) {
	c := newStream(onlyRead{Reader: bytes.NewReader(b)}, 0)
	c.frames.maximum = maximum
	next := reader(v, c, func(p packet) {
		all = append(all, ReadPublish{p.message, p.identifiers, p.id, p.oversized, p.dropped})
	})
	for next() == nil {
	}
	return all
}

// LibraryPublish reads a PUBLISH of MQTT 5 as paho.golang does.
func LibraryPublish(b []byte) (*messages.Message, error) {
	p, err := packets.ReadPacket(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	read := p.Content.(*packets.Publish)
	m := &messages.Message{Topic: read.Topic, Payload: read.Payload, QoS: read.QoS, Retain: read.Retain, Dup: read.Duplicate}
	from := read.Properties
	to := messages.Properties{
		ContentType: from.ContentType, ResponseTopic: from.ResponseTopic, CorrelationData: from.CorrelationData,
		MessageExpiry: from.MessageExpiry, PayloadFormat: from.PayloadFormat,
	}
	for _, u := range from.User {
		to.UserProperties = append(to.UserProperties, messages.UserProperty(u))
	}
	if !reflect.DeepEqual(to, messages.Properties{}) {
		m.Properties = &to
	}
	return m, nil
}

func reader(v messages.Version, c *stream, received func(packet)) func() error {
	e := &engine{codec: codecOf(v), stream: c}
	return func() error {
		p, err := e.next()
		if p.message != nil {
			received(p)
		}
		return err
	}
}

func codecOf(v messages.Version) codec {
	c, err := newCodec(v, userLimit{defaultUserProperties, defaultUserBytes})
	if err != nil {
		panic(err)
	}
	return c
}

// EncodePublish is one PUBLISH packet.
func EncodePublish(v messages.Version, id uint16, m *messages.Message) []byte {
	return Encode(v, id, false, m)
}

// Encode is one PUBLISH packet, behind nothing.
func Encode(v messages.Version, id uint16, dup bool, m *messages.Message) []byte {
	var b bytes.Buffer
	_ = codecOf(v).writePublish(&b, id, dup, m)
	return b.Bytes()
}

// LibraryEncode is what the libraries make of a message without properties.
func LibraryEncode(v messages.Version, id uint16, dup bool, m *messages.Message) []byte {
	var b bytes.Buffer
	if v == messages.MQTT311 {
		p := packets311.NewControlPacket(packets311.Publish).(*packets311.PublishPacket)
		p.TopicName, p.Payload, p.MessageID, p.Qos, p.Retain, p.Dup = m.Topic, m.Payload, id, m.QoS, m.Retain, dup
		_ = p.Write(&b)
		return b.Bytes()
	}
	p := packets.Publish{Topic: m.Topic, Payload: m.Payload, PacketID: id, QoS: m.QoS, Retain: m.Retain, Duplicate: dup}
	_, _ = p.WriteTo(&b)
	return b.Bytes()
}

// Over has a Dialer make its connections with dial.
func (c Config) Over(dial func(ctx context.Context, network, address string) (net.Conn, error)) Config {
	c.network = dial
	return c
}

// Line is a connection alone, with its keep-alive.
type Line struct{ stream *stream }

// NewLine starts the keep-alive on a connection on which everything is read,
// unless paused.
func NewLine(network net.Conn, interval time.Duration) *Line {
	return NewMeasuredLine(network, interval, nil)
}

// NewMeasuredLine does the same, and has the round trips told.
func NewMeasuredLine(network net.Conn, interval time.Duration, trip func(time.Duration)) *Line {
	l := &Line{newStream(network, writeTimeout)}
	l.stream.onTrip = trip
	go l.stream.run(func(uint64) {})
	go l.stream.keepAlive(interval)
	return l
}

// Read reads packets until the connection ends.
func (l *Line) Read() {
	for {
		f, err := l.stream.nextFrame()
		if err != nil {
			return
		}
		if f.kind() == typePingresp {
			l.stream.ponged()
		}
	}
}

// Write sends a packet.
func (l *Line) Write(b []byte) error { return l.stream.write(b) }

// Gather says whether more is about to follow.
func (l *Line) Gather(more bool) { l.stream.gather(more) }

// Drain waits until everything was written.
func (l *Line) Drain(ctx context.Context) error { return l.stream.drain(ctx) }

// Pause is what a reader says that stops, Resume what it says that goes on.
func (l *Line) Pause()  { l.stream.pause() }
func (l *Line) Resume() { l.stream.resume() }

// Patient is the context of a question.
func (l *Line) Patient(ctx context.Context) (context.Context, context.CancelFunc) {
	return l.stream.patient(ctx)
}

// Over is closed with the connection.
func (l *Line) Over() <-chan struct{} { return l.stream.done }

// Failing is closed when nothing can be written any more.
func (l *Line) Failing() <-chan struct{} { return l.stream.failing }

// Close ends it.
func (l *Line) Close() { l.stream.close(errClosed) }
