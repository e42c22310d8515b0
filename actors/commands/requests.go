package commands

import (
	"math"
	"net/url"
	"strings"
	"time"

	"chanmqttproxy/messages"
)

// stopped is why no request goes on when the worker stops.
var stopped = &messages.Failure{Code: messages.CodeTimeout, Reason: "the worker stopped before a response came"}

// Requests are those whose responses have not come. Each is published with a response topic
// of its own (MQTT 5, 4.10), so that a device which echoes no correlation data is understood
// as well. The topics begin with the client id, and the filter for them is subscribed to by
// the first request; nothing is published before the broker has granted it.
type Requests struct {
	most    int
	prefix  string // of the response topics; empty: no connection yet
	version messages.Version
	want    messages.Desired
	granted bool
	over    bool                // the worker stops
	waiting map[string]*request // by the last level of the response topic
}

// request is one that waits.
type request struct {
	receipt messages.Receipt
	message *messages.Message
	sent    bool
}

// RequestEffects are what is to be done now, in the order of the fields.
type RequestEffects struct {
	Subscribe *messages.Desired // it may be at the broker from now on
	Publish   []messages.Publish
	Ended     []string // requests for which nobody waits any more
	Replies   []messages.Reply
	Withdraw  []messages.Withdraw
	Done      []messages.Receipt // they had no effect
	TimedOut  int
}

// NewRequests has none. At most so many may wait: those that nobody answers are not to hold
// up all other commands.
func NewRequests(most int) *Requests { return &Requests{most: most, waiting: map[string]*request{}} }

// Len is how many wait for their responses.
func (r *Requests) Len() int { return len(r.waiting) }

// Filter is the one of the responses; empty: it is not subscribed to.
func (r *Requests) Filter() string { return r.want.Filter }

// Add takes in a request. Its name, unlike all others, is the last level of its response topic.
func (r *Requests) Add(name string, m messages.Request) (e RequestEffects) {
	w := &request{receipt: m.Receipt, message: expiring(m.Message, m.Timeout)}
	full := len(r.waiting) >= r.most
	r.waiting[name] = w
	switch {
	case r.over:
		r.fail(&e, name, stopped)
	case full:
		r.fail(&e, name, &messages.Failure{Code: messages.CodeBusy, Reason: "too many requests wait for their responses"})
	default:
		r.proceed(&e, name, w)
	}
	return e
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
func (r *Requests) proceed(e *RequestEffects, name string, w *request) {
	switch {
	case r.prefix == "": // when there is a connection
	case r.version != messages.MQTT5:
		r.fail(e, name, &messages.Failure{Code: messages.CodeUnsupported, Reason: "the broker speaks MQTT " + r.version.String() + "; requests need MQTT 5"})
	case r.granted:
		w.sent = true
		w.message.Properties.ResponseTopic = r.prefix + name
		w.message.Properties.CorrelationData = []byte(name)
		e.Publish = append(e.Publish, messages.Publish{Receipt: w.receipt, Message: w.message})
	case r.want.Filter == "":
		r.want = messages.Desired{Filter: r.prefix + "+", QoS: 1, Revision: r.want.Revision + 1}
		want := r.want
		e.Subscribe = &want
	}
}

// proceedAll has those go on that were not published.
func (r *Requests) proceedAll() (e RequestEffects) {
	for name, w := range r.waiting {
		if !w.sent {
			r.proceed(&e, name, w)
		}
	}
	return e
}

// Connected takes in what the broker speaks and which client id is ours.
func (r *Requests) Connected(info messages.Connack) RequestEffects {
	r.version = info.Version
	r.granted = r.granted && info.Present // a new session has the filter once it was asked for again
	if r.prefix == "" {
		r.prefix = ResponsePrefix + oneLevel(info.ClientID) + "/"
	}
	return r.proceedAll()
}

// oneLevel makes one level of a topic of a client id.
func oneLevel(clientID string) string {
	return strings.ReplaceAll(url.QueryEscape(clientID), "+", "%20")
}

// Granted notes that the broker has granted the filter, if it is that of the responses.
func (r *Requests) Granted(filter string, revision uint64) (e RequestEffects) {
	if !r.subscribed(filter, revision) {
		return e
	}
	r.granted = true
	return r.proceedAll()
}

// Refused notes that it has not.
func (r *Requests) Refused(filter string, revision uint64, reason string) (e RequestEffects) {
	if !r.subscribed(filter, revision) {
		return e
	}
	r.granted, r.want.Filter = false, "" // the next request asks again
	failure := &messages.Failure{
		Code: messages.CodeRefused, Reason: "the broker refused " + filter + ", where the responses come: " + reason,
	}
	for name, w := range r.waiting {
		if !w.sent {
			r.fail(&e, name, failure)
		}
	}
	return e
}

// subscribed says whether the broker speaks of what was asked for last.
func (r *Requests) subscribed(filter string, revision uint64) bool {
	return filter == r.want.Filter && revision == r.want.Revision
}

// Response answers the request on whose topic a message came. Nothing is ended where nobody
// waits for it: it comes too late.
func (r *Requests) Response(m *messages.Message) (e RequestEffects) {
	name := strings.TrimPrefix(m.Topic, r.prefix)
	if w, ok := r.waiting[name]; ok {
		r.forget(&e, name)
		e.Replies = []messages.Reply{{Receipt: w.receipt, Message: m}}
	}
	return e
}

// Unpublished forgets a request, if the message is one, whose sender has been told
// why it did not take effect.
func (r *Requests) Unpublished(m *messages.Message) (e RequestEffects) {
	if m.Properties == nil {
		return e
	}
	name := strings.TrimPrefix(m.Properties.ResponseTopic, r.prefix)
	if _, ok := r.waiting[name]; ok {
		r.forget(&e, name)
	}
	return e
}

// Expire ends a request that has waited for as long as it may.
func (r *Requests) Expire(name string) (e RequestEffects) {
	r.fail(&e, name, &messages.Failure{Code: messages.CodeTimeout, Reason: "no response came in time"})
	return e
}

// Stop ends all, and those that come from now on: the worker stops.
func (r *Requests) Stop() (e RequestEffects) {
	r.over = true
	for name := range r.waiting {
		r.fail(&e, name, stopped)
	}
	return e
}

func (r *Requests) forget(e *RequestEffects, name string) {
	delete(r.waiting, name)
	e.Ended = append(e.Ended, name)
}

// fail gives a request up.
func (r *Requests) fail(e *RequestEffects, name string, failure *messages.Failure) {
	w, ok := r.waiting[name]
	if !ok {
		return
	}
	r.forget(e, name)
	if failure.Code == messages.CodeTimeout {
		e.TimedOut++
	}
	e.Replies = append(e.Replies, messages.Reply{Receipt: w.receipt, Failure: failure})
	if w.sent {
		e.Withdraw = append(e.Withdraw, messages.Withdraw{Receipt: w.receipt})
	} else {
		e.Done = append(e.Done, w.receipt)
	}
}
