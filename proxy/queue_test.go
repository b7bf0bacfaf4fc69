package proxy

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestQueue plays the scripts of testdata/queue.txt. A line is what is sent (> Parse Bind ...), what the server answers (< its
// message types, a Z with its status), or what must be true then (= expected replies, then flags).
func TestQueue(t *testing.T) {
	data, err := os.ReadFile("testdata/queue.txt")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]kind{"Query": forQuery, "Function": forFunction, "Sync": forSync, "Parse": forParse, "Bind": forBind,
		"Describe": forDescribe, "Execute": forExecute, "Close": forClose, "CopyEnd": forCopyEnd}
	names := map[kind]string{}
	for name, k := range kinds {
		names[k] = name
	}
	for _, script := range strings.Split(strings.TrimSpace(string(data)), "\n\n") {
		lines := strings.Split(script, "\n")
		t.Run(strings.TrimPrefix(lines[0], "# "), func(t *testing.T) {
			var q queue
			for _, line := range lines[1:] {
				words := strings.Fields(line)
				switch words[0] {
				case ">":
					for _, w := range words[1:] {
						k, ok := kinds[w]
						if !ok {
							t.Fatalf("unknown message %s", w)
						}
						q.push(entry{kind: k})
					}
				case "<":
					for _, w := range words[1:] {
						q.step(w[0], w[len(w)-1])
					}
				case "=":
					var got []string
					for i := q.head; i < len(q.entries); i++ {
						got = append(got, names[q.entries[i].kind])
					}
					if q.skipping {
						got = append(got, "skipping")
					}
					if q.copying {
						got = append(got, "copying")
					}
					if q.doubtful {
						got = append(got, "doubtful")
					}
					if want := strings.Join(words[1:], " "); strings.Join(got, " ") != want {
						t.Errorf("after %q: got %q, want %q", line, strings.Join(got, " "), want)
					}
				}
			}
		})
	}
}

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
		send := map[byte]kind{'q': forQuery, 'p': forParse, 'b': forBind, 'd': forDescribe, 'x': forExecute, 's': forSync, 'l': forClose, 'e': forCopyEnd}
		for _, c := range script {
			if k, ok := send[c]; ok {
				s := &countingSink{}
				if k == forCopyEnd {
					q.push(entry{kind: k})
					continue
				}
				sinks = append(sinks, s)
				q.push(entry{kind: k, sink: s})
				continue
			}
			q.step(c, 'I')
			held := 0
			for i := q.head; i < len(q.entries); i++ {
				if q.entries[i].sink != nil {
					held++
				}
			}
			if held != q.sinks {
				t.Fatalf("%d sinks wait, the count says %d", held, q.sinks)
			}
		}
		waiting := map[*countingSink]bool{}
		for i := q.head; i < len(q.entries); i++ {
			if s, ok := q.entries[i].sink.(*countingSink); ok {
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

func BenchmarkQueuePass(b *testing.B) {
	var q queue
	b.ReportAllocs()
	for b.Loop() {
		for _, k := range []kind{forParse, forBind, forDescribe, forExecute, forSync} {
			q.push(entry{kind: k})
		}
		for _, typ := range []byte("12TCZ") {
			q.step(typ, 'I')
		}
	}
	if !q.empty() {
		b.Fatal(fmt.Sprint("entries are left: ", len(q.entries)))
	}
}
