package proxy

import (
	"strings"
	"testing"

	"github.com/pgowl/pgowl/proxy/protocol"
)

// countingSink counts how often it was told that it is over.
type countingSink struct{ overs int }

func (c *countingSink) message(byte, []byte) bool { return true }
func (c *countingSink) over()                     { c.overs++ }

// However messages and answers mix, every sink is told exactly once, and the count of sinks is right.
func FuzzQueueSinks(f *testing.F) {
	f.Add([]byte("PBES12CZ"))
	f.Add([]byte("PBEEZSZQZ"))
	f.Add([]byte("QGcCZ"))
	f.Fuzz(func(t *testing.T, script []byte) {
		var q queue
		var sinks []*countingSink
		send := map[byte]protocol.Kind{'q': protocol.ForQuery, 'p': protocol.ForParse, 'b': protocol.ForBind, 'd': protocol.ForDescribe, 'x': protocol.ForExecute, 's': protocol.ForSync, 'l': protocol.ForClose, 'e': protocol.ForCopyEnd}
		for _, c := range script {
			if k, ok := send[c]; ok {
				s := &countingSink{}
				if k == protocol.ForCopyEnd {
					q.push(entry{kind: k})
					continue
				}
				sinks = append(sinks, s)
				q.push(entry{kind: k, sink: s})
				continue
			}
			q.Answer(c, 'I')
			held := 0
			for _, w := range q.All() {
				if w.sink != nil {
					held++
				}
			}
			if held != q.sinks {
				t.Fatalf("%d sinks wait, the count says %d", held, q.sinks)
			}
		}
		waiting := map[*countingSink]bool{}
		for _, w := range q.All() {
			if s, ok := w.sink.(*countingSink); ok {
				waiting[s] = true
			}
		}
		for i, s := range sinks {
			want := 1
			if waiting[s] {
				want = 0
			}
			if s.overs != want {
				t.Fatalf("sink %d was told %d times, want %d", i, s.overs, want)
			}
		}
	})
}

func TestTrimContext(t *testing.T) {
	for where, want := range map[string]string{
		"":                                      "",
		"PL/pgSQL function f() line 1 at RAISE": "PL/pgSQL function f() line 1 at RAISE",
		"PL/pgSQL function pgowl.raise(json) line 7 at RAISE\nSQL statement \"SELECT pgowl.raise(x)\"\nPL/pgSQL function pgowl.converse(text,text) line 12 at PERFORM\nPL/pgSQL function pgml.embed(text,text,jsonb) line 2 at RETURN\nPL/pgSQL function mine() line 3 at PERFORM": "PL/pgSQL function mine() line 3 at PERFORM",
		"PL/pgSQL function pgowl.drive(regprocedure,jsonb) line 42 at assignment\nSQL function \"train\" statement 1":                                                                                                                                                              "",
		"SQL function \"train\" statement 1":            "SQL function \"train\" statement 1",
		"PL/pgSQL function pgowl_fan() line 1 at RAISE": "PL/pgSQL function pgowl_fan() line 1 at RAISE",
	} {
		if got := trimContext(where); got != want {
			t.Errorf("trimContext(%q) = %q, want %q", where, got, want)
		}
	}
}

func TestVersionNumber(t *testing.T) {
	for text, want := range map[string]int{"15.18 (Debian 15.18-0+deb12u1)": 150018, "18.3": 180003, "19beta1": 190000, "": 0} {
		if got := versionNumber(text); got != want {
			t.Errorf("versionNumber(%q) = %d, want %d", text, got, want)
		}
	}
}

func FuzzStartupPacket(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x17\x00\x03\x00\x00user\x00postgres\x00\x00"))
	f.Add([]byte("\x00\x00\x00\x08\x04\xd2\x16\x2f"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := readPacket(strings.NewReader(string(data)))
		if err != nil {
			return
		}
		if got := string(p.encode()); got != string(data[:len(got)]) {
			t.Fatalf("what is forwarded differs from what was read: %q, %q", got, data)
		}
		before := p.parameters()
		after := p.with("pgowl.session", "x").parameters()
		for name, value := range before {
			if after[name] != value && name != "pgowl.session" {
				t.Fatalf("setting %q changed from %q to %q", name, value, after[name])
			}
		}
	})
}

func FuzzNoticeFields(f *testing.F) {
	f.Add([]byte("SINFO\x00COWL01\x00Mhello\x00Dsum\x00\x00"))
	f.Fuzz(func(t *testing.T, body []byte) {
		noticeFields(body)
		withoutOurContext('N', body)
		withoutOurContext('E', body)
	})
}
