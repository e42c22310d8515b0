package commands_test

import (
	"fmt"
	"testing"
	"time"

	"chanmqttproxy/actors/commands"
	"chanmqttproxy/messages"
)

// said are effects in a line.
func said(e commands.RequestEffects) string {
	text := ""
	if e.Subscribe != nil {
		text += fmt.Sprintf(" subscribe %s %d", e.Subscribe.Filter, e.Subscribe.Revision)
	}
	for _, p := range e.Publish {
		text += fmt.Sprintf(" publish %s to %s, %ds", p.Receipt, p.Message.Properties.ResponseTopic, *p.Message.Properties.MessageExpiry)
	}
	for _, name := range e.Ended {
		text += " end " + name
	}
	for _, a := range e.Replies {
		if a.Failure != nil {
			text += fmt.Sprintf(" %s: %s", a.Receipt, a.Failure.Code)
		} else {
			text += fmt.Sprintf(" %s: response", a.Receipt)
		}
	}
	for _, w := range e.Withdraw {
		text += fmt.Sprint(" withdraw ", w.Receipt)
	}
	for _, r := range e.Done {
		text += fmt.Sprint(" done ", r)
	}
	if e.TimedOut > 0 {
		text += fmt.Sprint(" timeouts ", e.TimedOut)
	}
	return text
}

func TestRequests(t *testing.T) {
	t.Parallel()
	const filter = "chanmqttproxy/response/a%2Fb%20c/+"
	const topic = "chanmqttproxy/response/a%2Fb%20c/"
	type step = func(*commands.Requests) commands.RequestEffects
	add := func(name string) step {
		return func(r *commands.Requests) commands.RequestEffects {
			return r.Add(name, messages.Request{Receipt: messages.Receipt("r" + name), Message: &messages.Message{Topic: "t"}, Timeout: 1500 * time.Millisecond})
		}
	}
	connect := func(v messages.Version, present bool) step {
		return func(r *commands.Requests) commands.RequestEffects {
			return r.Connected(messages.Connack{Version: v, ClientID: "a/b c", Present: present})
		}
	}
	granted := func(revision uint64) step {
		return func(r *commands.Requests) commands.RequestEffects { return r.Granted(filter, revision) }
	}
	refused := func(r *commands.Requests) commands.RequestEffects { return r.Refused(filter, 1, "no") }
	response := func(name string) step {
		return func(r *commands.Requests) commands.RequestEffects {
			return r.Response(&messages.Message{Topic: topic + name})
		}
	}
	expire := func(name string) step {
		return func(r *commands.Requests) commands.RequestEffects { return r.Expire(name) }
	}
	stop := func(r *commands.Requests) commands.RequestEffects { return r.Stop() }
	up := connect(messages.MQTT5, false)
	for name, c := range map[string]struct {
		steps []step
		want  []string
	}{
		"before there is a connection": {[]step{add("1"), up, granted(1)}, []string{"", " subscribe " + filter + " 1", " publish r1 to " + topic + "1, 2s"}},
		"after it":                     {[]step{up, add("1"), add("2"), granted(7)}, []string{"", " subscribe " + filter + " 1", "", ""}},
		"response":                     {[]step{up, add("1"), granted(1), response("1"), response("1")}, []string{"", " subscribe " + filter + " 1", " publish r1 to " + topic + "1, 2s", " end 1 r1: response", ""}},
		"3.1.1":                        {[]step{connect(messages.MQTT311, false), add("1")}, []string{"", " end 1 r1: unsupported done r1"}},
		"refused, and asked again":     {[]step{up, add("1"), refused, add("2")}, []string{"", " subscribe " + filter + " 1", " end 1 r1: refused done r1", " subscribe " + filter + " 2"}},
		"no response":                  {[]step{up, add("1"), granted(1), expire("1"), response("1"), expire("1")}, []string{"", " subscribe " + filter + " 1", " publish r1 to " + topic + "1, 2s", " end 1 r1: timeout withdraw r1 timeouts 1", "", ""}},
		"not published in time":        {[]step{add("1"), expire("1"), up}, []string{"", " end 1 r1: timeout done r1 timeouts 1", ""}},
		"a new session": {[]step{up, add("1"), granted(1), connect(messages.MQTT5, false), add("2"), granted(1)},
			[]string{"", " subscribe " + filter + " 1", " publish r1 to " + topic + "1, 2s", "", "", " publish r2 to " + topic + "2, 2s"}},
		"the same session": {[]step{up, add("1"), granted(1), connect(messages.MQTT5, true), add("2")},
			[]string{"", " subscribe " + filter + " 1", " publish r1 to " + topic + "1, 2s", "", " publish r2 to " + topic + "2, 2s"}},
		"too many": {[]step{add("1"), add("2"), add("3")}, []string{"", "", " end 3 r3: busy done r3"}},
		"stop":     {[]step{add("1"), stop, add("2")}, []string{"", " end 1 r1: timeout done r1 timeouts 1", " end 2 r2: timeout done r2 timeouts 1"}},
	} {
		r := commands.NewRequests(2)
		for n, s := range c.steps {
			if got := said(s(r)); got != c.want[n] {
				t.Errorf("%s, step %d:%s, want%s", name, n, got, c.want[n])
			}
		}
	}
}

// TestRequestIsCopied: what is published is not the message of the command.
func TestRequestIsCopied(t *testing.T) {
	t.Parallel()
	r, expiry := commands.NewRequests(1), uint32(99)
	m := &messages.Message{Topic: "t", Properties: &messages.Properties{ContentType: "x", MessageExpiry: &expiry}}
	r.Connected(messages.Connack{Version: messages.MQTT5, ClientID: "c"})
	r.Add("1", messages.Request{Receipt: "r", Message: m, Timeout: time.Second})
	sent := r.Granted(r.Filter(), 1).Publish[0].Message.Properties
	if m.Properties.ResponseTopic != "" || sent.ContentType != "x" || *sent.MessageExpiry != 99 || string(sent.CorrelationData) != "1" {
		t.Errorf("%+v was published of %+v", sent, m.Properties)
	}
	if e := r.Unpublished(&messages.Message{Properties: sent}); fmt.Sprint(e.Ended) != "[1]" || r.Len() != 0 {
		t.Errorf("%+v, %d wait", e, r.Len())
	}
	if e := r.Unpublished(&messages.Message{}); e.Ended != nil {
		t.Errorf("no request, and yet %+v", e)
	}
}
