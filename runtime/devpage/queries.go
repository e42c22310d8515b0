package devpage

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// pageLimit is the most rows of one answer.
const pageLimit = 500

// number reads a parameter that may be left out.
func number(r *http.Request, name string, otherwise int) int {
	if n, err := strconv.Atoi(r.FormValue(name)); err == nil && n >= 0 {
		return n
	}
	return otherwise
}

func limit(r *http.Request) int { return min(number(r, "limit", 100), pageLimit) }

func (p *Page) actors(r *http.Request) (any, *problem) {
	list := p.Tree.OfKind(r.FormValue("kind"), r.FormValue("text"))
	answer := struct {
		Total  int
		Actors []messages.Actor
	}{Total: len(list)}
	list = list[min(number(r, "offset", 0), len(list)):]
	answer.Actors = list[:min(limit(r), len(list))]
	return answer, nil
}

func (p *Page) actor(r *http.Request) (any, *problem) {
	a, ok := p.Tree.Inspect(r.FormValue("path"))
	if !ok {
		return nil, &problem{http.StatusNotFound, "it has stopped"}
	}
	info, ok := a.Info.(messages.FanoutInfo)
	if !ok {
		return a, nil
	}
	answer := grouped{Actor: a}
	if queues, err := p.Layer.Queues(r.Context(), []messages.Target{info.Target}); err == nil {
		answer.Queues = queues
		for _, q := range queues {
			answer.Members += q.Members
		}
	}
	return answer, nil
}

// grouped is the actor of a group or channel, with the members that it reaches in Redis.
type grouped struct {
	messages.Actor
	// Members are those that are alive, in so many queues.
	Members int
	Queues  []messages.QueueInfo
}

func (p *Page) subscriptions(r *http.Request) (any, *problem) {
	total, rows := p.Tree.Subscriptions(messages.SubscriptionList{
		Text: r.FormValue("text"), Sort: r.FormValue("sort"), Desc: r.FormValue("desc") == "1",
		Offset: number(r, "offset", 0), Limit: limit(r),
	})
	return struct {
		Total int
		Rows  []messages.SubscriptionRow
	}{total, rows}, nil
}

func (p *Page) match(r *http.Request) (any, *problem) {
	name := r.FormValue("topic")
	answer := struct {
		Error  string
		Routes []messages.RouteInfo
	}{}
	if err := topic.ValidateName(name); err != nil {
		answer.Error = err.Error()
		return answer, nil
	}
	if answer.Routes = p.Tree.Matching(name); answer.Routes == nil {
		return nil, &problem{http.StatusServiceUnavailable, "the router is too busy to answer: try again"}
	}
	return answer, nil
}

// filter says what is wrong with a filter.
func (p *Page) filter(r *http.Request) (any, *problem) {
	if err := topic.ValidateFilter(r.FormValue("filter")); err != nil {
		return nil, &problem{http.StatusBadRequest, "Filter: " + err.Error()}
	}
	return struct{}{}, nil
}

func (p *Page) queues(r *http.Request) (any, *problem) {
	list, err := p.Layer.Queues(r.Context(), p.Tree.Targets())
	if err == nil && len(list) == 0 {
		err = p.Layer.Ping(r.Context()) // nobody may have been asked
	}
	if err != nil {
		return nil, &problem{http.StatusServiceUnavailable, err.Error()}
	}
	if list == nil {
		list = []messages.QueueInfo{}
	}
	return list, nil
}

func (p *Page) deadLetters(r *http.Request) (any, *problem) {
	rows, total, err := p.Layer.DeadLetters(r.Context(), number(r, "offset", 0), limit(r))
	if err != nil {
		return nil, &problem{http.StatusServiceUnavailable, err.Error()}
	}
	return struct {
		Total int
		Rows  any
	}{total, rows}, nil
}

func (p *Page) traced(r *http.Request) (any, *problem) {
	trace, ok := p.Tree.Traced(uint64(number(r, "id", 0)))
	if !ok {
		return nil, &problem{http.StatusNotFound, fmt.Sprintf("message %s is followed no more: only the newest are", r.FormValue("id"))}
	}
	p.locate(r.Context(), &trace)
	return trace, nil
}

// locate adds to where a message was written the names of the queues that its target
// reaches.
func (p *Page) locate(ctx context.Context, trace *messages.Trace) {
	for i, s := range trace.Steps {
		if s.What != "written" || !strings.Contains(s.Text, " queue") {
			continue
		}
		a, _ := p.Tree.Inspect(s.Path)
		info, ok := a.Info.(messages.FanoutInfo)
		if !ok {
			continue
		}
		queues, err := p.Layer.Queues(ctx, []messages.Target{info.Target})
		if err != nil || len(queues) == 0 {
			continue
		}
		var names []string
		for _, q := range queues[:min(len(queues), namesShown)] {
			names = append(names, q.Name)
		}
		if more := len(queues) - len(names); more > 0 {
			names = append(names, fmt.Sprintf("%d more", more))
		}
		trace.Steps[i].Text += ": " + strings.Join(names, ", ")
	}
}

// namesShown is how many queues are named of those that a message was written to.
const namesShown = 5
