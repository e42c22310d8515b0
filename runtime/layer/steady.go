package layer

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// steady has what is under way on the connections of a server time out only when no
// byte has passed for as long as o says, not when the whole takes longer. That ends
// with ctx: what is closed is not waited for. What cannot be dialed becomes a
// connection that fails: go-redis counts failures to dial, and then dials but once a
// second, which would be the soonest that a server is found again.
func steady(ctx context.Context, o *redis.Options) {
	dial := o.Dialer
	if dial == nil {
		dial = redis.NewDialer(o)
	}
	o.Dialer = func(dialing context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(dialing, network, addr)
		if err != nil {
			return undialed{dialError{err}}, nil
		}
		s := &steadyConn{Conn: conn, ctx: ctx, read: idleLimit{least: o.ReadTimeout}, write: idleLimit{least: o.WriteTimeout}}
		if socket, ok := conn.(syscall.Conn); ok {
			return steadySocket{s, socket}, nil // go-redis asks whether it is still open
		}
		return s, nil
	}
}

// undialed is a connection that there is not: whoever uses it gets the reason.
type undialed struct{ err error }

func (u undialed) Read([]byte) (int, error)         { return 0, u.err }
func (u undialed) Write([]byte) (int, error)        { return 0, u.err }
func (u undialed) Close() error                     { return nil }
func (u undialed) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (u undialed) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (u undialed) SetDeadline(time.Time) error      { return nil }
func (u undialed) SetReadDeadline(time.Time) error  { return nil }
func (u undialed) SetWriteDeadline(time.Time) error { return nil }

// dialError is wrapped once more than it need be: go-redis unwraps errors of new
// connections once, and what dialing says is to be seen whole.
type dialError struct{ error }

func (e dialError) Unwrap() error { return e.error }

// steadySocket is a steadyConn without TLS.
type steadySocket struct {
	*steadyConn
	syscall.Conn
}

// steadyConn moves its deadlines as bytes pass. go-redis sets them once for each
// command, and a large one on a slow link takes longer than a server may be silent.
type steadyConn struct {
	net.Conn
	ctx         context.Context
	read, write idleLimit
}

// writeStep is how many bytes are written between two checks of the deadline.
const writeStep = 64 << 10

func (c *steadyConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && c.ctx.Err() == nil {
		if deadline := c.read.moved(time.Now()); !deadline.IsZero() {
			_ = c.Conn.SetReadDeadline(deadline)
		}
	}
	return n, err
}

func (c *steadyConn) Write(b []byte) (written int, err error) {
	for {
		step := b[written:min(len(b), written+writeStep)]
		n, err := c.Conn.Write(step)
		if written += n; err != nil {
			return written, c.lastWords(err)
		}
		if written == len(b) {
			return written, nil
		}
		if deadline := c.write.moved(time.Now()); !deadline.IsZero() && c.ctx.Err() == nil {
			_ = c.Conn.SetWriteDeadline(deadline)
		}
	}
}

// lastWords are what the server said before it closed a connection, such as that it takes
// no more of them, or err.
func (c *steadyConn) lastWords(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	_ = c.Conn.SetReadDeadline(time.Now().Add(lastWordsTime))
	b := make([]byte, 256)
	n, _ := c.Conn.Read(b)
	line, _, ended := strings.Cut(string(b[:n]), "\r\n")
	if answer, ok := strings.CutPrefix(line, "-"); ok && ended {
		return answerError(answer)
	}
	return err
}

// lastWordsTime is how long they are waited for: they are there already, or not at all.
const lastWordsTime = 20 * time.Millisecond

// answerError is an answer of Redis, as go-redis knows one.
type answerError string

func (e answerError) Error() string { return string(e) }

// RedisError says that it is one.
func (answerError) RedisError() {}

func (c *steadyConn) SetReadDeadline(t time.Time) error {
	c.read.set(time.Now(), t)
	return c.Conn.SetReadDeadline(t)
}

func (c *steadyConn) SetWriteDeadline(t time.Time) error {
	c.write.set(time.Now(), t)
	return c.Conn.SetWriteDeadline(t)
}

func (c *steadyConn) SetDeadline(t time.Time) error {
	now := time.Now()
	c.read.set(now, t)
	c.write.set(now, t)
	return c.Conn.SetDeadline(t)
}

// idleLimit is how long one direction of a connection may be silent.
type idleLimit struct {
	least time.Duration // a deadline that is sooner is the caller's own, and is kept
	step  time.Duration // 0: the deadline stays as it is
	from  time.Time     // when the present one was set
}

// clockSlack is by how much the clock that go-redis reckons deadlines with may be late.
const clockSlack = 250 * time.Millisecond

func (p *idleLimit) set(now, deadline time.Time) {
	p.step, p.from = 0, now
	if d := deadline.Sub(now); !deadline.IsZero() && p.least > 0 && d >= p.least-clockSlack {
		p.step = d
	}
}

// moved is the deadline after bytes have passed; zero: as it was.
func (p *idleLimit) moved(now time.Time) time.Time {
	if p.step == 0 || now.Sub(p.from) < p.step/8 {
		return time.Time{}
	}
	p.from = now
	return now.Add(p.step)
}
