package proxy

import (
	"errors"
	"net"
	"os"
	"time"
)

// A COPY comes in pieces of 8 kB. Reading each as it arrives costs a wake-up, which the server pays for as well, since it shares the processors: a fifth of
// the time of a COPY on a machine that has nothing else to do. So while one is read, reads wait until there is more (SO_RCVLOWAT).
const (
	gathered  = 48 << 10             // bytes to wait for
	gatherFor = 2 * time.Millisecond // and for how long: the last ones come alone
)

// gather begins or ends that, as far as the server's connection and the system can. It is called by the backend's pump.
func (s *session) gather(on bool) {
	conn, ok := s.server.(*net.TCPConn)
	if !ok || on == s.gathers {
		return
	}
	bytes := 1
	if on {
		bytes = gathered
	}
	if lowWater(conn, bytes) {
		s.gathers = on
		conn.SetReadDeadline(time.Time{})
	}
}

// fillServer is in.fill for the server's messages.
func (s *session) fillServer(in *buffer, need int) error {
	if !s.gathers {
		before := in.w - in.r
		err := in.fill(need)
		if s.copies && in.w-in.r-before >= gathered/2 {
			s.gather(true) // it comes faster now
		}
		return err
	}
	s.server.SetReadDeadline(time.Now().Add(gatherFor))
	err := in.fill(need)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		s.gather(false)
		err = in.fill(need)
	}
	return err
}
