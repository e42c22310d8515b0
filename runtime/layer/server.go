package layer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
)

// server is one host of the layer with what runs for it.
type server struct {
	index  int
	host   Host
	redis  *redis.Client
	sender *sender
	inbox  *inbox
	gauges gauges
	doubt  chan struct{} // holds one when its clock may be another
}

func newServer(ctx context.Context, c *Core, index int, host Host) *server {
	s := &server{index: index, host: host, redis: redis.NewClient(host.options(ctx, 8)), doubt: make(chan struct{}, 1)}
	writer := redis.NewClient(host.options(ctx, 1))
	s.redis.AddHook(refuseHook{s})
	writer.AddHook(refuseHook{s})
	s.sender = newSender(ctx, writer, c, s)
	s.inbox = newInbox(ctx, c, s)
	return s
}

func (s *server) close() {
	s.sender.close()
	s.inbox.close()
	_ = s.redis.Close()
}

// failure makes the error that callers get. Redis repeats the arguments of
// commands it does not know, which may be content: they are cut off.
func (s *server) failure(doing string, err error) error { return s.failed(doing, err) }

// untold is the failure of the connection on which a server announces commands.
func (s *server) untold(err error) error {
	f := s.failed("waiting for what comes on channel "+s.inbox.client.config.Channel, err)
	f.Untold = true
	return f
}

func (s *server) failed(doing string, err error) *messages.LayerFailure {
	if text, _, cut := strings.Cut(err.Error(), ", with args"); cut {
		err = errors.New(text)
	}
	var answer redis.Error
	answered := errors.As(err, &answer)
	if what := unfit(err.Error()); answered && what != "" {
		err = fmt.Errorf("%w (%s)", err, what)
	}
	said := refusalIn(err.Error()).kind != ""
	return &messages.LayerFailure{Doing: doing + " in redis " + s.host.Name(), Answered: answered, Logged: answered && said, Err: err}
}

// unfit says of a server that cannot be used what is wrong with it, where its
// answer shows that.
func unfit(answer string) string {
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(answer, w) })
	}
	switch {
	case has("MOVED ", "CROSSSLOT", "CLUSTERDOWN"):
		return "it is a Redis Cluster: a channel layer needs a Redis that is none"
	}
	return refusalIn(answer).words
}

// on is the host that has a name: a group's, or the part of a channel's that
// names its queue.
func (c *Core) on(name string) *server { return c.servers[ring(name, len(c.servers))] }

// failure is that of the first host, which has all that is kept for the worker
// itself.
func (c *Core) failure(doing string, err error) error { return c.servers[0].failure(doing, err) }

// receipt names a member of one host's in-flight key. With several hosts it
// begins with two bytes that say which.
func (c *Core) receipt(s *server, member string) messages.Receipt {
	if len(c.servers) == 1 {
		return messages.Receipt(member)
	}
	return messages.Receipt(string([]byte{byte(s.index >> 8), byte(s.index)}) + member)
}

// member is what a receipt names. A stranger's receipt names something that is
// nowhere.
func (c *Core) member(r messages.Receipt) (s *server, member string) {
	if len(c.servers) == 1 || len(r) < 2 {
		return c.servers[0], string(r)
	}
	index := int(r[0])<<8 | int(r[1])
	return c.servers[min(index, len(c.servers)-1)], string(r[2:])
}
