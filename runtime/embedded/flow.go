package embedded

import (
	"bytes"
	"math"
	"sync"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// flowControl keeps to a client's Receive Maximum [MQTT-3.3.4-9] in place of
// mochi 2.7.9, which may stall for good when it does so itself: after each
// packet of a client with a quota it looks for messages that waited for it
// (Inflight.NextImmediate), takes a read lock twice, and is dead if somebody
// asks for the write lock in between. Where there is no quota it never looks.
//
// Here the client's writer waits until the client has room. The
// acknowledgements do not, as long as they are not put into the writer's
// buffer: Options.ClientNetWriteBufferSize must be 1.
type flowControl struct {
	mqtt.HookBase
	flows sync.Map // *mqtt.Client -> *flow
}

// ID names the hook.
func (*flowControl) ID() string { return "flow-control" }

// Provides names what the hook listens to.
func (*flowControl) Provides(event byte) bool {
	switch event {
	case mqtt.OnSessionEstablish, mqtt.OnSessionEstablished, mqtt.OnPacketEncode, mqtt.OnPacketProcessed, mqtt.OnDisconnect:
		return true
	default:
		return false
	}
}

// OnSessionEstablish takes mochi's quota away, before a stored session is taken
// over, which would set it again.
func (*flowControl) OnSessionEstablish(cl *mqtt.Client, _ packets.Packet) {
	cl.Properties.Props.ReceiveMaximum = 0
	cl.State.Inflight.ResetSendQuota(0)
}

// OnSessionEstablished comes when what a stored session had in flight was sent
// again, which waits for nothing.
func (f *flowControl) OnSessionEstablished(cl *mqtt.Client, connect packets.Packet) {
	limit := int(connect.Properties.ReceiveMaximum)
	if limit == 0 {
		limit = math.MaxUint16
	}
	fl := newFlow(limit)
	for _, p := range cl.State.Inflight.GetAll(false) {
		fl.ids[p.PacketID] = true
	}
	f.flows.Store(cl, fl)
}

// OnPacketEncode is called before a packet is written. The broker's own maximum is told,
// and what is too large for a client is forgotten [MQTT-3.1.2-25]: mochi would send it
// again, and close the connection each time.
func (f *flowControl) OnPacketEncode(cl *mqtt.Client, p packets.Packet) packets.Packet {
	switch {
	case p.FixedHeader.Type == packets.Connack:
		p.Properties.MaximumPacketSize = maximumPacket
	case p.FixedHeader.Type != packets.Publish || p.FixedHeader.Qos == 0:
	case tooLarge(p):
		cl.State.Inflight.Delete(p.PacketID)
	default:
		if fl, ok := f.flows.Load(cl); ok {
			fl.(*flow).wait(p.PacketID)
		}
	}
	return p
}

// tooLarge: it will not be sent [MQTT-3.1.2-24]. Most are small at first sight.
func tooLarge(p packets.Packet) bool {
	if p.Mods.MaxSize == 0 || len(p.Properties.User) == 0 && len(p.Payload)+4*math.MaxUint16 < int(p.Mods.MaxSize) {
		return false
	}
	var b bytes.Buffer
	return p.PublishEncode(&b) != nil || uint64(b.Len()) > uint64(p.Mods.MaxSize)
}

// OnPacketProcessed is called for what a client has sent.
func (f *flowControl) OnPacketProcessed(cl *mqtt.Client, p packets.Packet, _ error) {
	switch p.FixedHeader.Type {
	case packets.Puback, packets.Pubcomp:
	case packets.Pubrec:
		if p.ReasonCode < 0x80 {
			return
		}
	default:
		return
	}
	if fl, ok := f.flows.Load(cl); ok {
		fl.(*flow).free(p.PacketID)
	}
}

// OnDisconnect lets the client's writer end.
func (f *flowControl) OnDisconnect(cl *mqtt.Client, _ error, _ bool) {
	if fl, ok := f.flows.LoadAndDelete(cl); ok {
		fl.(*flow).close()
	}
}

// flow is what one client has not acknowledged.
type flow struct {
	mu    sync.Mutex
	room  *sync.Cond
	limit int
	ids   map[uint16]bool
	over  bool
}

func newFlow(limit int) *flow {
	f := &flow{limit: limit, ids: map[uint16]bool{}}
	f.room = sync.NewCond(&f.mu)
	return f
}

// wait returns when the message may be sent.
func (f *flow) wait(id uint16) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for !f.over && !f.ids[id] && len(f.ids) >= f.limit {
		f.room.Wait()
	}
	f.ids[id] = true
}

func (f *flow) free(id uint16) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.ids, id)
	f.room.Signal()
}

func (f *flow) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.over = true
	f.room.Broadcast()
}
