package embedded

import (
	"bufio"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2/server"
)

// front serves the connections of the embedded Redis. It keeps an order that clients
// count on, since Redis handles one command after another: whoever publishes reaches all
// who subscribed before it, on any connection, even if they do not wait for the answer.
// channels_redis does not.
type front struct {
	server   *server.Server
	listener net.Listener
	running  sync.WaitGroup

	mu      sync.Mutex
	changed *sync.Cond // a client has done all that came
	clients map[*client]bool
	closed  bool
}

// client is one connection.
type client struct {
	front *front
	conn  net.Conn
	in    *input
	peer  *server.Peer

	waiting bool // in: all that came was taken out of the socket and reported
	taken   int  // commands that are not done
	late    bool // the one under way may take long, or waits itself
}

// orderWait bounds how long a command waits for those that came before it.
const orderWait = time.Second

// ordered are the commands that publish, or run what may; they wait for others, and no
// such command for another, which its client sent without knowing of it.
var ordered = map[string]bool{"PUBLISH": true, "EXEC": true, "EVAL": true, "EVALSHA": true}

// serveFront serves a listener until close.
func serveFront(l net.Listener, s *server.Server) *front {
	f := &front{server: s, listener: l, clients: map[*client]bool{}}
	f.changed = sync.NewCond(&f.mu)
	f.running.Go(f.accept)
	return f
}

// close closes all connections and waits until nothing runs for them.
func (f *front) close() {
	_ = f.listener.Close()
	f.mu.Lock()
	f.closed = true
	clients := slices.Collect(maps.Keys(f.clients))
	f.changed.Broadcast()
	f.mu.Unlock()
	for _, c := range clients { // without the lock: a close waits for who tells of the socket
		_ = c.conn.Close()
	}
	f.running.Wait()
}

func (f *front) accept() {
	for {
		conn, err := f.listener.Accept()
		if err != nil {
			return
		}
		c := &client{front: f, conn: conn, peer: server.NewPeer(bufio.NewWriter(conn))}
		c.in = newInput(conn, c.quiet)
		f.mu.Lock()
		f.clients[c] = true
		closed := f.closed
		f.mu.Unlock()
		if closed {
			_ = conn.Close()
		}
		f.running.Go(c.serve)
	}
}

// quiet notes that a client waits for its next command, or does not any more.
func (c *client) quiet(waiting bool) {
	c.front.mu.Lock()
	defer c.front.mu.Unlock()
	c.waiting = waiting
	c.front.changed.Broadcast()
}

// serve carries out what comes. Commands are read beside that, so that one that blocks
// sees its client go.
func (c *client) serve() {
	commands := make(chan []string)
	go c.read(commands)
	for args := range commands {
		c.carryOut(args)
		c.peer.Flush()
		if c.peer.Closed() {
			_ = c.conn.Close()
		}
	}
	// Nobody else can end the subscriptions of a connection that is gone.
	for _, command := range []string{"DISCARD", "UNSUBSCRIBE", "PUNSUBSCRIBE"} {
		c.front.server.Dispatch(c.peer, []string{command})
	}
	c.front.mu.Lock()
	defer c.front.mu.Unlock()
	delete(c.front.clients, c)
	c.front.changed.Broadcast()
}

func (c *client) read(to chan<- []string) {
	defer close(to)
	r := bufio.NewReader(c.in)
	for {
		args, err := readCommand(r)
		if err != nil {
			c.peer.Close()
			_ = c.conn.Close()
			return
		}
		c.front.mu.Lock()
		c.taken++
		c.front.mu.Unlock()
		to <- args
	}
}

func (c *client) carryOut(args []string) {
	name := strings.ToUpper(args[0])
	f := c.front
	f.mu.Lock()
	c.late = ordered[name] || strings.HasPrefix(name, "B") || strings.HasPrefix(name, "XREAD")
	f.changed.Broadcast()
	if ordered[name] {
		f.await(c)
	}
	f.mu.Unlock()
	f.server.Dispatch(c.peer, args)
	f.mu.Lock()
	defer f.mu.Unlock()
	c.late, c.taken = false, c.taken-1
	f.changed.Broadcast()
}

// await waits until all that came on other connections by now is done. It holds the
// lock, but not while it waits.
func (f *front) await(from *client) {
	ended := false
	timer := time.AfterFunc(orderWait, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		ended = true
		f.changed.Broadcast()
	})
	defer timer.Stop()
	var before []*client
	for c := range f.clients {
		if c != from {
			before = append(before, c)
		}
	}
	for _, c := range before {
		for f.clients[c] && !c.done() && !ended && !f.closed {
			f.changed.Wait()
		}
	}
}

// done says whether all that a client sent is done, or cannot be before long. What came
// is either still in the socket, or the client does not wait.
func (c *client) done() bool {
	return c.late || c.waiting && c.taken == 0 && !c.in.arrived()
}

// The most that a command may have, as Redis has it.
const (
	maxArguments = 1 << 20
	maxArgument  = 512 << 20
)

// readCommand reads a command as clients send it: an array of strings, of which there is
// at least one.
func readCommand(r *bufio.Reader) ([]string, error) {
	n, err := readLength(r, '*', maxArguments)
	if err != nil || n == 0 {
		return nil, orProtocol(err)
	}
	var args []string
	for range n {
		size, err := readLength(r, '$', maxArgument)
		if err != nil {
			return nil, err
		}
		var arg strings.Builder // grows with what comes: the length may be a lie
		if _, err := io.CopyN(&arg, r, int64(size)); err != nil {
			return nil, err
		}
		if _, err := r.Discard(2); err != nil {
			return nil, err
		}
		args = append(args, arg.String())
	}
	return args, nil
}

func orProtocol(err error) error {
	if err == nil {
		return server.ErrProtocol
	}
	return err
}

// readLength reads a line of a mark and a number.
func readLength(r *bufio.Reader, mark byte, most int) (int, error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	n, digits := 0, 0
	for _, c := range line[1:] {
		if c < '0' || c > '9' {
			break
		}
		n, digits = n*10+int(c-'0'), digits+1
		if n > most {
			return 0, server.ErrProtocol
		}
	}
	if line[0] != mark || digits == 0 || string(line[1+digits:]) != "\r\n" {
		return 0, server.ErrProtocol
	}
	return n, nil
}
