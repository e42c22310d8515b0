//go:build unix

package embedded

import (
	"io"
	"net"
	"syscall"
)

// input reads a connection and reports when it waits. Bytes are taken out of the socket
// and reported in one step. arrived sees bytes that nobody has taken out yet.
type input struct {
	net.Conn
	raw     syscall.RawConn
	waiting func(bool)
}

func newInput(conn net.Conn, waiting func(bool)) *input {
	in := &input{Conn: conn, waiting: waiting}
	if s, ok := conn.(syscall.Conn); ok {
		in.raw, _ = s.SyscallConn() // nil: the connection is closed already
	}
	return in
}

// Read implements io.Reader.
func (in *input) Read(into []byte) (n int, err error) {
	if in.raw == nil {
		return 0, net.ErrClosed
	}
	in.waiting(true)
	failed := in.raw.Read(func(fd uintptr) bool {
		if !readable(fd) {
			return false
		}
		in.waiting(false)
		n, err = syscall.Read(int(fd), into)
		if err == syscall.EAGAIN || err == syscall.EINTR {
			in.waiting(true)
			return false
		}
		return true
	})
	switch {
	case failed != nil:
		return 0, failed
	case err != nil:
		return 0, err
	case n <= 0:
		return 0, io.EOF
	}
	return n, nil
}

// arrived says whether there is something that Read has not taken.
func (in *input) arrived() (is bool) {
	if in.raw == nil {
		return false
	}
	_ = in.raw.Control(func(fd uintptr) { is = readable(fd) })
	return is
}

// readable says whether a read has something to give, if only an error.
func readable(fd uintptr) bool {
	var one [1]byte
	_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	return err != syscall.EAGAIN && err != syscall.EINTR
}
