package proxy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/pgowl/pgowl/parser"
	"github.com/pgowl/pgowl/proxy/protocol"
)

// stop is why a scan goes no further.
type stop uint8

const (
	atEnd   stop = iota // the next message is not there, or not as much of it as is needed
	atOurs              // the next message is there as a whole, and is not simply forwarded
	atLarge             // the next message is larger than clients may send
	atLast              // the client has said its last word, over which the scan has gone
	atWrong             // what follows is no message; the scan has gone over all of it
)

// scanFrontend goes over the messages of the client that are forwarded as they are, and notes the replies that they will have: they
// must be sent before the next scan. need is the size of the next message, where that has to be there as a whole.
func (s *session) scanFrontend(in *buffer) (why stop, need int) {
	from := in.r
	defer func() { s.meter.fromClient.Add(uint64(in.r - from)) }()
	if s.proxy.leaving.Load() && in.r < in.w && in.skip == 0 && s.atRest() {
		s.terminate("57P01", shutdownMessage)
		return atWrong, 0
	}
	for in.r < in.w {
		if in.skip > 0 {
			in.pass()
			continue
		}
		typ, size, ok := in.peek()
		if !ok {
			break
		}
		if size < protocol.HeaderSize || size > protocol.MaxMessage {
			// The server knows how to refuse it, and in which place among its answers; it reads nothing behind it.
			in.r = in.w
			return atWrong, 0
		}
		if s.largest > 0 && size > s.largest {
			return atLarge, size
		}
		if s.wantsBody(typ) {
			if in.w-in.r < size {
				return atEnd, size
			}
			if s.isOurs(typ, in.data[in.r+protocol.HeaderSize:in.r+size]) {
				return atOurs, size
			}
		}
		s.count(typ)
		s.note(typ)
		if typ == 'X' {
			if !s.keepsServer() {
				in.r += min(size, in.w-in.r)
			}
			return atLast, 0
		}
		in.skip = size
		in.pass()
	}
	return atEnd, 0
}

// pumpFrontend moves messages from the client to the server, in runs: as many as were read at once are written at once. It ends with
// io.EOF where the client has said its last word, and with errParked where the session changes its driver.
func (s *session) pumpFrontend(in *buffer) error {
	if s.silent {
		return io.EOF
	}
	for {
		from := in.r
		why, need := s.scanFrontend(in)
		if in.r > from {
			if _, err := s.server.Write(in.data[from:in.r]); err != nil {
				return errors.Join(errDeaf, err)
			}
		}
		switch why {
		case atOurs:
			if !s.begin() {
				return errParked
			}
			message := in.data[in.r : in.r+need]
			s.meter.fromClient.Add(uint64(need))
			s.meter.begin()
			err := s.ours(message[0], message)
			s.done()
			if err != nil {
				return err
			}
			in.r += need
			continue
		case atLast:
			return io.EOF
		case atLarge:
			return s.tooLarge(in, need)
		case atWrong:
			return fmt.Errorf("a message of impossible size: %w", io.EOF)
		}
		if err := s.fillClient(in, need); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) && s.isParking() {
				return errParked
			}
			return err
		}
	}
}

// wantsBody reports whether a message has to be there as a whole before it can be judged.
func (s *session) wantsBody(typ byte) bool {
	switch typ {
	case 'Q', 'P':
		return s.calls.Load() != nil
	case 'B', 'D', 'E', 'C':
		return len(s.names)+len(s.portals) > 0
	}
	return false
}

var zero = []byte{0}

// isOurs is the pass lane's test.
func (s *session) isOurs(typ byte, body []byte) bool {
	switch typ {
	case 'Q':
		return parser.Mentions(body) || s.doesAtOnce(body) != (byName{})
	case 'P':
		// Slices, no strings: most texts are none of ours, and should leave no garbage.
		name, rest, ok := bytes.Cut(body, zero)
		if !ok {
			return false
		}
		if s.names[string(name)] != nil {
			return true // it may replace one of ours
		}
		text, _, ok := bytes.Cut(rest, zero)
		return ok && (parser.Mentions(text) || s.doesLater(text, len(name) > 0) != (byName{}))
	}
	return true // it is asked only while something of ours is prepared
}

// note puts the reply that a forwarded message will have into the queue.
func (s *session) note(typ byte) {
	var k protocol.Kind
	switch typ {
	case 'Q':
		k = protocol.ForQuery
	case 'P':
		k = protocol.ForParse
	case 'B':
		k = protocol.ForBind
	case 'D':
		k = protocol.ForDescribe
	case 'E':
		k = protocol.ForExecute
	case 'C':
		k = protocol.ForClose
	case 'S':
		k = protocol.ForSync
		s.syncs++
	case 'F':
		k = protocol.ForFunction
	case 'c', 'f':
		k = protocol.ForCopyEnd
	default:
		return
	}
	s.mu.Lock()
	s.queue.push(entry{kind: k})
	s.mu.Unlock()
}
