//go:build unix

package carrier

import (
	"net"
	"syscall"
)

// probe looks at an idle connection without taking anything from it.
type probe struct{ look func() bool }

func newProbe(conn net.Conn) probe {
	c, ok := conn.(syscall.Conn)
	if !ok {
		return probe{}
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return probe{}
	}
	var b [1]byte
	var seen error
	peek := func(fd uintptr) {
		_, _, seen = syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	}
	return probe{func() bool {
		// Alive and silent is EAGAIN. An end, an error, or bytes that nobody asked
		// for (a last word before closing): the connection is of no use.
		return raw.Control(peek) != nil || seen != syscall.EAGAIN && seen != syscall.EINTR
	}}
}

// stale says whether the other side has ended the connection.
func (p probe) stale() bool { return p.look != nil && p.look() }
