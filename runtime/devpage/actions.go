package devpage

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// actionLimit is the most bytes of an action.
const actionLimit = 1 << 20

// slowest is the most that a group may be slowed by.
const slowest = 10 * time.Second

// acting lets only those do something who may.
func (p *Page) acting(do answer) answer {
	return func(r *http.Request) (any, *problem) {
		if !p.About.MayAct {
			return nil, &problem{http.StatusForbidden, "this page only shows things: start the worker with HTTP_ACT=true to let it act"}
		}
		return do(r)
	}
}

// readAction reads what is to be done.
func readAction(r *http.Request, into any) *problem {
	d := json.NewDecoder(http.MaxBytesReader(nil, r.Body, actionLimit))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return &problem{http.StatusBadRequest, "invalid request: " + err.Error()}
	}
	return nil
}

// begun is the answer to what is followed.
type begun struct{ Trace uint64 }

func (p *Page) trace(r *http.Request) (any, *problem) {
	var d struct{ Topic string }
	if wrong := readAction(r, &d); wrong != nil {
		return nil, wrong
	}
	if err := topic.ValidateName(d.Topic); err != nil {
		return nil, &problem{http.StatusBadRequest, "Topic: " + err.Error()}
	}
	return begun{p.Tree.Trace(d.Topic)}, nil
}

// untrace follows a message no more.
func (p *Page) untrace(r *http.Request) (any, *problem) {
	var d begun
	if wrong := readAction(r, &d); wrong != nil {
		return nil, wrong
	}
	p.Tree.Untrace(d.Trace)
	return struct{}{}, nil
}

func (p *Page) publish(r *http.Request) (any, *problem) {
	var d struct {
		Topic, Payload string
		QoS            byte
		Retain         bool
	}
	d.QoS = 1
	if wrong := readAction(r, &d); wrong != nil {
		return nil, wrong
	}
	if err := topic.ValidateName(d.Topic); err != nil {
		return nil, &problem{http.StatusBadRequest, "Topic: " + err.Error()}
	}
	if d.QoS > 2 {
		return nil, &problem{http.StatusBadRequest, "QoS: must be 0, 1 or 2"}
	}
	trace, err := p.Tree.Publish(messages.Message{Topic: d.Topic, Payload: []byte(d.Payload), QoS: d.QoS, Retain: d.Retain})
	if err != nil {
		return nil, &problem{http.StatusConflict, err.Error()}
	}
	return begun{trace}, nil
}

// wanted is one thing to do to the worker, or to an embedded server.
type wanted struct {
	Action, Path string
	Millis       int
	IDs          []string
}

func (p *Page) act(r *http.Request) (any, *problem) {
	var d wanted
	if wrong := readAction(r, &d); wrong != nil {
		return nil, wrong
	}
	do, wrong := p.actionOf(r.Context(), d)
	if wrong != nil {
		return nil, wrong
	}
	if err := do(); err != nil {
		return nil, &problem{http.StatusConflict, err.Error()}
	}
	return struct{ Done string }{d.Action}, nil
}

// letters puts dead letters back, or forgets them. None are not all.
func (p *Page) letters(ctx context.Context, d wanted) (func() error, *problem) {
	if len(d.IDs) == 0 {
		return nil, &problem{http.StatusBadRequest, "IDs: which dead letters?"}
	}
	do := p.Layer.DropDeadLetters
	if d.Action == "requeue-letters" {
		do = p.Layer.RequeueDeadLetters
	}
	return func() error {
		n, err := do(ctx, d.IDs...)
		if err == nil && n == 0 {
			err = errors.New("they are not there any more")
		}
		return err
	}, nil
}

func (p *Page) actionOf(ctx context.Context, d wanted) (func() error, *problem) {
	switch d.Action {
	case "restart":
		return func() error { return p.Tree.Restart(d.Path) }, nil
	case "disconnect":
		return p.Tree.Disconnect, nil
	case "requeue-letters", "drop-letters":
		return p.letters(ctx, d)
	}
	if !p.About.Dev {
		return nil, &problem{http.StatusForbidden, "only chanmqttproxy dev does that: " + d.Action}
	}
	servers := map[string]Server{"stop-broker": p.Broker, "start-broker": p.Broker, "stop-redis": p.Redis, "start-redis": p.Redis}
	server, known := servers[d.Action]
	switch {
	case d.Action == "slow":
		by := min(max(time.Duration(d.Millis)*time.Millisecond, 0), slowest)
		return func() error { return p.Tree.Slow(d.Path, by) }, nil
	case !known:
		return nil, &problem{http.StatusBadRequest, "no such action: " + d.Action}
	case server == nil:
		return nil, &problem{http.StatusConflict, "that server is not inside this program, which can't stop or start it"}
	case d.Action == "start-broker" || d.Action == "start-redis":
		return server.Start, nil
	}
	return func() error { server.Stop(); return nil }, nil
}
