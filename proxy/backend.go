package proxy

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pgowl/pgowl/exec/call"
	"github.com/pgowl/pgowl/proxy/protocol"
)

// scanBackend goes over the messages of the server that are forwarded as they are, and notes what they tell. It stops at one that take
// has to see. need is the size of the next message, where that has to be there as a whole.
func (s *session) scanBackend(in *buffer) (why stop, need int, err error) {
	from := in.r
	defer func() { s.meter.fromServer.Add(uint64(in.r - from)) }()
	calls := s.calls.Load()
	sinking := s.sinks.Load() > 0
	for in.r < in.w {
		if in.skip > 0 {
			in.pass()
			continue
		}
		typ, size, ok := in.peek()
		if !ok {
			break
		}
		if size < protocol.HeaderSize {
			return atWrong, 0, fmt.Errorf("message %q of %d bytes from the server", typ, size)
		}
		if !sinking && bulk(typ) {
			if calls != nil && typ == 'D' {
				calls.Progress()
			}
			in.skip = size
			in.pass()
			continue
		}
		if in.w-in.r < size {
			return atEnd, size, nil
		}
		if sinking || typ == 'N' || typ == 'E' || typ == 'R' {
			return atOurs, size, nil
		}
		if _, err := s.take(typ, in.data[in.r+protocol.HeaderSize:in.r+size], false); err != nil {
			return atWrong, 0, err
		}
		calls = s.calls.Load() // it comes with a BackendKeyData
		in.r += size
	}
	return atEnd, 0, nil
}

// pumpBackend moves messages from the server to the client, in runs, and takes out what is for us. It ends with errParked where the
// session changes its driver.
func (s *session) pumpBackend(in *buffer) error {
	s.backend = in
	from := in.r
	for {
		why, need, err := s.scanBackend(in)
		if why == atOurs {
			// What came before goes out first: the message may be answered by one of ours.
			if err := s.forward(in.data[from:in.r]); err != nil {
				return err
			}
			from = in.r
			typ, body := in.data[in.r], in.data[in.r+protocol.HeaderSize:in.r+need]
			keep, err := s.take(typ, body, s.sinks.Load() > 0)
			if err != nil {
				return err
			}
			if err := s.forward(nil); err != nil {
				return err
			}
			in.r += need
			if !keep {
				if typ == 'd' {
					s.swallow(in)
				}
				from = in.r
			}
			continue
		}
		if err := errors.Join(s.forward(in.data[from:in.r]), err); err != nil {
			return err
		}
		if s.settle() {
			return errParked
		}
		err = s.fillServer(in, need)
		from = in.r
		if err != nil {
			return err
		}
	}
}

// forward writes to the client what is pending, and then messages of the server.
func (s *session) forward(messages []byte) error {
	if len(messages)+len(s.pending) == 0 {
		return nil
	}
	s.out.Lock()
	defer s.out.Unlock()
	if len(s.pending) > 0 {
		_, err := s.client.Write(s.pending)
		s.pending = s.pending[:0]
		if err != nil {
			return err
		}
	}
	if len(messages) == 0 {
		return nil
	}
	_, err := s.client.Write(messages)
	return err
}

// settle tells the frontend's pump that all that was read is with the client. park asks the backend's pump to end, since the session
// is better off with the other driver.
func (s *session) settle() (park bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unsent {
		s.unsent = false
		s.moved.Broadcast()
	}
	s.parking = s.parkable()
	return s.parking || s.byTurns && (s.queue.Empty() || s.queue.Copying)
}

// bulk tells the messages that carry data and no news.
func bulk(typ byte) bool { return typ == 'D' || typ == 'd' }

// take handles a message of the server and reports whether the client gets it.
func (s *session) take(typ byte, body []byte, sinking bool) (keep bool, err error) {
	calls := s.calls.Load()
	if sinking || typ == 'N' || typ == 'E' || typ == 'R' {
		s.meter.fromServer.Add(uint64(len(body) + protocol.HeaderSize)) // the rest is counted in runs
	}
	switch typ {
	case 'N':
		if calls != nil && bytes.Contains(body, callCode) {
			if code, message, detail := noticeFields(body); code == call.Code && calls.Message(message, detail) {
				s.mu.Lock()
				s.plain = 0
				s.mu.Unlock()
				return false, nil
			}
		}
		if calls != nil {
			if changed := withoutOurContext(typ, body); changed != nil {
				s.pending = append(s.pending, changed...)
				return false, nil
			}
		}
		return true, nil
	case 'A', 'v':
		return true, nil
	case 'S':
		s.parameter(body)
		return true, s.placed(body)
	case 'K':
		s.backendKey(body)
		return true, nil
	case 'R':
		return s.authentication(body)
	}
	if calls != nil {
		if typ == 'E' || typ == 'Z' {
			calls.Over()
		} else {
			calls.Progress()
		}
	}
	var status byte
	if typ == 'Z' && len(body) > 0 {
		status = body[0]
		if !s.ready {
			s.visit.loggedIn()
			s.client.SetDeadline(time.Time{})
			s.server.SetDeadline(time.Time{})
			s.mu.Lock()
			s.ready = true // keepsServer reads it in the other pump, and askIntake sets deadlines from here on
			s.mu.Unlock()
		}
	}
	if typ == 'Z' {
		if lane, took, ours := s.meter.ready(status); ours {
			s.proxy.metrics.lanes[lane].times.observe(took)
		}
	}
	keep = true
	changed := []byte(nil)
	if calls != nil && typ == 'E' {
		if changed = withoutOurContext(typ, body); changed != nil {
			body = changed[protocol.HeaderSize:]
		}
	}
	if sinking {
		s.mu.Lock()
		var to sink
		if _, w := s.queue.Front(); w != nil {
			to = w.sink
		}
		s.mu.Unlock()
		if to != nil {
			keep = to.message(typ, body)
		}
	}
	if keep && typ == 'E' {
		s.proxy.metrics.failed(body)
	}
	if keep && changed != nil {
		s.pending = append(s.pending, changed...)
		keep = false
	}
	s.mu.Lock()
	s.queue.Answer(typ, status)
	if typ == 'Z' {
		s.plain++
	}
	s.sinks.Store(int32(s.queue.sinks))
	s.unsent = true
	s.mu.Unlock()
	return keep, nil
}

var callCode = []byte("C" + call.Code + "\x00")

// noticeFields gives the fields of a NoticeResponse that a request of ours has: code, message, detail.
func noticeFields(body []byte) (code, message, detail string) {
	for len(body) > 1 {
		field := body[0]
		end := bytes.IndexByte(body[1:], 0)
		if end < 0 {
			return
		}
		value := string(body[1 : 1+end])
		body = body[end+2:]
		switch field {
		case 'C':
			code = value
		case 'M':
			message = value
		case 'D':
			detail = value
		}
	}
	return
}

// parameter keeps the settings that matter to us.
func (s *session) parameter(body []byte) {
	name, rest, ok := protocol.CutString(body)
	if !ok {
		return
	}
	value, _, _ := protocol.CutString(rest)
	s.params.Lock()
	defer s.params.Unlock()
	switch name {
	case "client_encoding":
		s.params.encoding = value
	case "standard_conforming_strings":
		s.params.strings = value
	case "server_version":
		s.params.version = versionNumber(value)
	}
}

// versionNumber makes 150018 of "15.18 (Debian ...)", as server_version_num does.
func versionNumber(text string) int {
	text, _, _ = strings.Cut(text, " ")
	major, minor, _ := strings.Cut(text, ".")
	a, _ := strconv.Atoi(leadingDigits(major)) // a development version is 19beta1
	b, _ := strconv.Atoi(leadingDigits(minor))
	return a*10000 + b
}

func leadingDigits(s string) string {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return s[:i]
		}
	}
	return s
}
