package mqtt

import "math/rand/v2"

// orphans are packet ids of messages of QoS 2 that may be half way at the broker, and that nobody will
// finish. The broker would take a new message with such an id for a repetition, so a PUBREL must free
// the id first [MQTT-4.3.3-4].
//
// A PUBREL without a message is not harmless: RabbitMQ, which answers QoS 2 with PUBACK, reads nothing
// any more after one. So they are sent only to a broker that has answered the PUBREL of a message with
// PUBCOMP. The first such message goes alone, with an id that is probably unused. It is settled before
// the orphans are released: rumqttd, which knows PUBCOMP, hangs up on a PUBREL without a message.
type orphans struct {
	ids      []uint16
	answered byte          // PUBCOMP or PUBACK, for messages of QoS 2; 0: unknown
	first    uint16        // id of the first message of QoS 2 while it is in flight
	found    chan struct{} // closed when answered is known; nil: nobody waits
}

// lastRequestID is the highest id of SUBSCRIBE and UNSUBSCRIBE. Higher ids are for first messages.
const lastRequestID = 1<<15 - 1

// add takes in further ids, and returns those that the broker must release now.
func (o *orphans) add(ids ...uint16) (release []uint16) {
	switch o.answered {
	case typePubcomp:
		return ids
	case 0:
		o.ids = append(o.ids, ids...)
	}
	return nil
}

// unsure tells whether a new message of QoS 2 needs an id of its own.
func (o *orphans) unsure() bool { return o.answered == 0 && len(o.ids) > 0 }

// wait returns what is closed when the answer to the first message is known; nil
// where there is nothing to wait for.
func (o *orphans) wait() <-chan struct{} {
	if !o.unsure() || o.first == 0 {
		return nil
	}
	if o.found == nil {
		o.found = make(chan struct{})
	}
	return o.found
}

// firstID draws the id of the first message.
func (o *orphans) firstID() uint16 {
	o.first = uint16(lastRequestID + 1 + rand.N(1<<16-1-lastRequestID))
	return o.first
}

// learn takes in an answer to a message of QoS 2. It returns what the broker must release once that
// message is settled, before done is called.
func (o *orphans) learn(p packet) (release []uint16) {
	switch {
	case o.answered != 0:
		return nil
	case p.kind == typePubrec:
		if p.id == o.first && p.code >= 0x80 {
			o.first = 0 // refused, so another one is the first
		}
		return nil
	}
	o.answered, o.first = p.kind, 0
	if p.kind == typePubcomp {
		release = o.ids
	}
	o.ids = nil
	return release
}

// done wakes those who wait for the first message.
func (o *orphans) done() {
	if o.first == 0 && o.found != nil {
		close(o.found)
		o.found = nil
	}
}
