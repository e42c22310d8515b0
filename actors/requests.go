package actors

import (
	"crypto/rand"
	"math"
	"net/url"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/messages"
)

// requests keeps the requests whose responses have not come. Each is published
// with a response topic of its own (MQTT 5, 4.10), so that a device which echoes
// no correlation data is understood as well. The topics begin with the client id,
// and the filter for them is subscribed to by the first request; nothing is
// published before the broker has granted it.

// responsePrefix is what all response topics begin with.
const responsePrefix = "chanmqttproxy/response/"

// stopped is why no request goes on when the worker stops.
var stopped = &messages.Failure{Code: messages.CodeTimeout, Reason: "the worker stopped before a response came"}

// requestOver comes when a request has waited for as long as it may.
type requestOver struct {
	stamp
	topic string
}

// request is one that waits.
type request struct {
	receipt messages.Receipt
	message *messages.Message
	timer   reminder
	sent    bool
}

type requests struct {
	*env
	incarnation
	broker   Ref[messages.ToBroker]
	reader   Ref[messages.ToReader]
	registry Ref[messages.ToRegistry]
	router   Ref[messages.ToRouter]

	prefix  string // of the response topics; empty: no connection yet
	version messages.Version
	want    messages.Want
	granted bool
	over    bool                // the worker stops
	waiting map[string]*request // by the last level of the response topic
}

func newRequests(deps *env, to *refs) *actor.Props {
	return propsOf(deps, func() actor.Actor {
		return &requests{env: deps, broker: to.broker, reader: to.reader, registry: to.registry, router: to.router, waiting: map[string]*request{}}
	})
}

// Receive is the requests' table.
func (r *requests) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case messages.Request:
		r.request(m)
	case messages.Connected:
		r.connected(m)
	case messages.Granted:
		r.answered(m.Filter, m.Serial, nil)
	case messages.Refused:
		r.answered(m.Filter, m.Serial, &messages.Failure{
			Code: messages.CodeRefused, Reason: "the broker refused " + m.Filter + ", where the responses come: " + m.Reason,
		})
	case messages.Response:
		r.response(m)
	case messages.Unpublished:
		r.unpublished(m.Message)
	case *requestOver:
		r.end(m.topic, &messages.Failure{Code: messages.CodeTimeout, Reason: "no response came in time"})
	case messages.Quiesce:
		r.over = true
		r.endAll(stopped)
	default:
		r.strange(ctx)
	}
}

// release gives back what a message held whose handling panicked.
func (r *requests) release(message any) {
	switch m := message.(type) {
	case messages.Request:
		failCommand(r.reader, m.Receipt)
	case messages.Response:
		giveBack(r.broker, m.Token, m.Weight)
	}
}

func (r *requests) request(m messages.Request) {
	topic := strings.ToLower(rand.Text())
	w := &request{receipt: m.Receipt, message: expiring(m.Message, m.Timeout)}
	w.timer = r.after(m.Timeout, &requestOver{topic: topic})
	busy := len(r.waiting) >= max(1, r.Window/2)
	r.waiting[topic] = w
	switch {
	case r.over:
		r.end(topic, stopped)
	case busy: // those that nobody answers are not to hold up all other commands
		r.end(topic, &messages.Failure{Code: messages.CodeBusy, Reason: "too many requests wait for their responses"})
	default:
		r.proceed(topic, w)
	}
}

// expiring is a request's message, which nobody is to get when its response would
// come too late. Its properties are its own.
func expiring(m *messages.Message, timeout time.Duration) *messages.Message {
	copied, properties := *m, messages.Properties{}
	if m.Properties != nil {
		properties = *m.Properties
	}
	if properties.MessageExpiry == nil {
		seconds := uint32(math.Ceil(timeout.Seconds()))
		properties.MessageExpiry = &seconds
	}
	copied.Properties = &properties
	return &copied
}

// proceed publishes a request, or does what has to be done before.
func (r *requests) proceed(topic string, w *request) {
	switch {
	case r.prefix == "": // when there is a connection
	case r.version != messages.MQTT5:
		r.end(topic, &messages.Failure{Code: messages.CodeUnsupported, Reason: "the broker speaks MQTT " + r.version.String() + "; requests need MQTT 5"})
	case r.granted:
		w.sent = true
		w.message.Properties.ResponseTopic = r.prefix + topic
		w.message.Properties.CorrelationData = []byte(topic)
		r.broker.Tell(messages.Publish{Receipt: w.receipt, Message: w.message})
	case r.want.Filter == "":
		r.subscribe()
	}
}

// subscribe asks for the filter of the responses. The next worker, which may
// have no requests, is to find in Redis that the broker has it.
func (r *requests) subscribe() {
	r.want = messages.Want{Filter: r.prefix + "+", QoS: 1, Serial: r.want.Serial + 1}
	r.registry.Tell(messages.Keep{Changes: []messages.Change{{Leaving: r.want.Filter}}})
	r.router.Tell(r.want)
}

// connected learns what the broker speaks and which client id is ours.
func (r *requests) connected(m messages.Connected) {
	r.version = m.Info.Version
	r.granted = r.granted && m.Info.Present // a new session has the filter once it was asked for again
	if r.prefix == "" {
		r.prefix = responsePrefix + oneLevel(m.Info.ClientID) + "/"
	}
	r.proceedAll()
}

// oneLevel makes one level of a topic of a client id.
func oneLevel(clientID string) string {
	return strings.ReplaceAll(url.QueryEscape(clientID), "+", "%20")
}

func (r *requests) proceedAll() {
	for topic, w := range r.waiting {
		if !w.sent {
			r.proceed(topic, w)
		}
	}
}

// answered takes in what the broker said of the filter.
func (r *requests) answered(filter string, serial uint64, failure *messages.Failure) {
	if filter != r.want.Filter || serial != r.want.Serial {
		return
	}
	r.granted = failure == nil
	if r.granted {
		r.proceedAll()
		return
	}
	r.want.Filter = "" // the next request asks again
	for topic, w := range r.waiting {
		if !w.sent {
			r.end(topic, failure)
		}
	}
}

// response answers the request on whose topic a message came. What comes later
// has nobody who waits for it.
func (r *requests) response(m messages.Response) {
	giveBack(r.broker, m.Token, m.Weight)
	topic := strings.TrimPrefix(m.Message.Topic, r.prefix)
	w, ok := r.waiting[topic]
	if !ok {
		r.Log.Debug("a response for which nobody waits", "topic", m.Message.Topic)
		return
	}
	r.forget(topic, w)
	r.Stats.Responses.Add(1)
	r.reader.Tell(messages.Answer{Receipt: w.receipt, Message: m.Message})
}

// unpublished forgets a request, if the message is one, whose sender has been told
// why it did not take effect.
func (r *requests) unpublished(m *messages.Message) {
	if m.Properties == nil {
		return
	}
	topic := strings.TrimPrefix(m.Properties.ResponseTopic, r.prefix)
	if w, ok := r.waiting[topic]; ok {
		r.forget(topic, w)
	}
}

func (r *requests) forget(topic string, w *request) {
	w.timer.stop()
	delete(r.waiting, topic)
}

// end gives a request up.
func (r *requests) end(topic string, failure *messages.Failure) {
	w, ok := r.waiting[topic]
	if !ok {
		return
	}
	r.forget(topic, w)
	if failure.Code == messages.CodeTimeout {
		r.Stats.Timeouts.Add(1)
	}
	r.reader.Tell(messages.Answer{Receipt: w.receipt, Failure: failure})
	if w.sent {
		r.broker.Tell(messages.Withdraw{Receipt: w.receipt})
		return
	}
	r.reader.Tell(messages.Done{Receipts: []messages.Receipt{w.receipt}})
}

func (r *requests) endAll(failure *messages.Failure) {
	for topic := range r.waiting {
		r.end(topic, failure)
	}
}

func (r *requests) facts() any {
	return messages.RequestsFacts{Waiting: len(r.waiting), Filter: r.want.Filter}
}
