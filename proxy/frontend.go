package proxy

import (
	"bytes"
	"fmt"
	"io"

	"github.com/pgowl/pgowl/parser"
)

// maxMessage is the server's own limit for a message.
const maxMessage = 1 << 30

// pumpFrontend moves messages from the client to the server, in runs: as many as were read at once are written at once. It ends with
// io.EOF where the client has said its last word.
func (s *session) pumpFrontend(in *buffer) error {
	from := in.r // start of the run that was not forwarded yet
	forward := func() error {
		if in.r == from {
			return nil
		}
		_, err := s.server.Write(in.data[from:in.r])
		from = in.r
		return err
	}
	for {
		need := 0
		for in.r < in.w {
			if in.skip > 0 {
				n := min(in.skip, in.w-in.r)
				in.r += n
				in.skip -= n
				continue
			}
			typ, size, ok := in.peek()
			if !ok {
				break
			}
			if size < headerSize || size > maxMessage {
				if err := forward(); err != nil {
					return err
				}
				// The server knows how to refuse it, and in which place among its answers; it reads nothing behind it.
				_, err := s.server.Write(in.data[in.r:in.w])
				if err == nil {
					err = io.EOF
				}
				return fmt.Errorf("message %q of %d bytes: %w", typ, size, err)
			}
			if s.wantsBody(typ) {
				if in.w-in.r < size {
					need = size
					break
				}
				body := in.data[in.r+headerSize : in.r+size]
				if s.isOurs(typ, body) {
					if err := forward(); err != nil {
						return err
					}
					message := in.data[in.r : in.r+size]
					if err := s.ours(typ, message); err != nil {
						return err
					}
					in.r += size
					from = in.r
					continue
				}
			}
			s.note(typ)
			if typ == 'X' {
				in.r += min(size, in.w-in.r)
				if err := forward(); err != nil {
					return err
				}
				return io.EOF
			}
			n := min(size, in.w-in.r)
			in.r += n
			in.skip = size - n
		}
		if err := forward(); err != nil {
			return err
		}
		err := in.fill(need)
		from = in.r
		if err != nil {
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
		return parser.Mentions(body)
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
		return ok && parser.Mentions(text)
	}
	return true // it is asked only while something of ours is prepared
}

// note puts the reply that a forwarded message will have into the queue.
func (s *session) note(typ byte) {
	var k kind
	switch typ {
	case 'Q':
		k = forQuery
	case 'P':
		k = forParse
	case 'B':
		k = forBind
	case 'D':
		k = forDescribe
	case 'E':
		k = forExecute
	case 'C':
		k = forClose
	case 'S':
		k = forSync
		s.syncs++
	case 'F':
		k = forFunction
	case 'c', 'f':
		k = forCopyEnd
	default:
		return
	}
	s.mu.Lock()
	s.queue.push(entry{kind: k})
	s.mu.Unlock()
}
