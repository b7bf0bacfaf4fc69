package proxy

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pgowl/pgowl/exec/call"
)

// pumpBackend moves messages from the server to the client, in runs, and takes out what is for us.
func (s *session) pumpBackend() error {
	in := newBuffer(s.server)
	s.backend = in
	from := 0
	forward := func() error {
		if in.r == from && len(s.pending) == 0 {
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
		if in.r == from {
			return nil
		}
		_, err := s.client.Write(in.data[from:in.r])
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
			if size < headerSize {
				return fmt.Errorf("message %q of %d bytes from the server", typ, size)
			}
			sinking := s.sinks.Load() > 0
			if !sinking && bulk(typ) {
				if h := s.calls.Load(); h != nil && typ == 'D' {
					h.Progress()
				}
				n := min(size, in.w-in.r)
				in.r += n
				in.skip = size - n
				continue
			}
			if in.w-in.r < size {
				need = size
				break
			}
			body := in.data[in.r+headerSize : in.r+size]
			if sinking || typ == 'N' || typ == 'E' {
				// What came before goes out first: the message may be answered by one of ours.
				if err := forward(); err != nil {
					return err
				}
			}
			keep, err := s.take(typ, body, sinking)
			if err != nil {
				return err
			}
			if len(s.pending) > 0 {
				if err := forward(); err != nil {
					return err
				}
			}
			in.r += size
			if !keep {
				from = in.r
			}
		}
		if err := forward(); err != nil {
			return err
		}
		s.settle()
		err := in.fill(need)
		from = in.r
		if err != nil {
			return err
		}
	}
}

// settle tells the frontend's pump that all that was read is with the client.
func (s *session) settle() {
	s.mu.Lock()
	if s.unsent {
		s.unsent = false
		s.moved.Broadcast()
	}
	s.mu.Unlock()
}

// bulk tells the messages that carry data and no news.
func bulk(typ byte) bool { return typ == 'D' || typ == 'd' }

// take handles a message of the server and reports whether the client gets it.
func (s *session) take(typ byte, body []byte, sinking bool) (keep bool, err error) {
	calls := s.calls.Load()
	switch typ {
	case 'N':
		if calls != nil && bytes.Contains(body, callCode) {
			if code, message, detail := noticeFields(body); code == call.Code && calls.Message(message, detail) {
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
		return true, nil
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
			s.ready = true
			s.client.SetDeadline(time.Time{})
			s.server.SetDeadline(time.Time{})
		}
	}
	keep = true
	changed := []byte(nil)
	if calls != nil && typ == 'E' {
		if changed = withoutOurContext(typ, body); changed != nil {
			body = changed[headerSize:]
		}
	}
	if sinking {
		s.mu.Lock()
		var to sink
		if e := s.queue.front(); e != nil {
			to = e.sink
		}
		s.mu.Unlock()
		if to != nil {
			keep = to.message(typ, body)
		}
	}
	if keep && changed != nil {
		s.pending = append(s.pending, changed...)
		keep = false
	}
	s.mu.Lock()
	s.queue.step(typ, status)
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
	name, rest, ok := cutString(body)
	if !ok {
		return
	}
	value, _, _ := cutString(rest)
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

// cutString reads a zero-terminated string.
func cutString(b []byte) (s string, rest []byte, ok bool) {
	i := bytes.IndexByte(b, 0)
	if i < 0 {
		return "", nil, false
	}
	return string(b[:i]), b[i+1:], true
}
