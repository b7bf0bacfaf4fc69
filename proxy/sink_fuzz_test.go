package proxy

import (
	"context"
	"testing"

	"github.com/pgowl/pgowl/exec"
	"github.com/pgowl/pgowl/parser"
	"github.com/pgowl/pgowl/proxy/protocol"
	"go.uber.org/zap"
)

// FuzzSinks gives a message of the server to all who read or change messages. What they make of it, they make without a panic, and what they
// write is whole messages.
func FuzzSinks(f *testing.F) {
	f.Add(byte('T'), []byte("\x00\x02a\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x17\x00\x04\xff\xff\xff\xff\x00\x00b\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x17\x00\x04\xff\xff\xff\xff\x00\x00"))
	f.Add(byte('t'), []byte("\x00\x02\x00\x00\x00\x19\x00\x00\x00\x19"))
	f.Add(byte('D'), []byte("\x00\x02\x00\x00\x00\x011\xff\xff\xff\xff"))
	f.Add(byte('E'), []byte("SERROR\x00C08P01\x00Mbind message supplies 1 parameters, but prepared statement \"\" requires 3\x00P7\x00\x00"))
	f.Add(byte('E'), []byte("SERROR\x00C42601\x00Mx\x00WPL/pgSQL function pgml.f() line 1 at RAISE\x00\x00"))
	f.Add(byte('C'), []byte("SELECT 1\x00"))
	f.Add(byte('R'), []byte("\x00\x00\x00\x0aSCRAM-SHA-256-PLUS\x00SCRAM-SHA-256\x00\x00"))
	f.Add(byte('S'), []byte("server_version\x0015.18 (Debian)\x00"))
	f.Add(byte('K'), []byte("\x00\x00\x00\x01\x00\x00\x00\x02"))
	engine, err := exec.New(exec.Options{Service: "postgres://me@/db?host=/nowhere"})
	if err != nil {
		f.Fatal(err)
	}
	plan := parser.Parse("SELECT pgml.predict('line', ARRAY[g, 1]::real[]) FROM generate_series(1, 9) g")
	f.Fuzz(func(t *testing.T, typ byte, body []byte) {
		p := &Server{options: Options{Log: zap.NewNop()}, metrics: newMetrics(nil), keys: map[cancelKey]*session{}}
		s := &session{proxy: p, log: zap.NewNop()}
		s.backend = newBuffer(nil)
		hidden := []exec.Field{{OID: 20, Format: 1}}
		st := &statement{plan: plan, columns: 1, hidden: hidden}
		for _, to := range []sink{
			&hidingSink{s: s, params: 1, hidden: 1},
			&countSink{s: s, params: 1, allParams: 3, columns: 1, all: 2},
			&originSink{s, func(at int) int { return at }},
			&tagSink{originSink: originSink{s, func(at int) int { return at }}, tags: map[int]string{0: "CREATE EXTENSION"}},
			&tracked{naming: &naming{}},
			newPrivate(),
			&bindSink{private: newPrivate(), s: s},
			&rowSink{s: s, ctx: context.Background(), st: st, places: []int{0}, done: make(chan struct{}), rows: engine.Rows(plan, hidden, []int16{0}),
				portal: &portal{name: "pgowl:1", statement: st}, name: "p"},
			&ownSink{s, "pgowl:1", "p", func(at int) int { return at }},
			errorSink{},
			&passedOn{newPrivate()},
			&trainSink{s},
			&answer{private: newPrivate(), s: s, take: func([]byte) {}},
		} {
			if r, ok := to.(*rowSink); ok && typ == 'D' {
				r.add(body)
				continue
			}
			to.message(typ, body)
			to.over()
		}
		for b := s.pending; len(b) > 0; {
			in := buffer{data: b, w: len(b)}
			if _, size, ok := in.peek(); !ok || size < protocol.HeaderSize || size > len(b) {
				t.Fatalf("%q %q made %q", typ, body, s.pending)
			} else {
				b = b[size:]
			}
		}
		switch typ {
		case 'S':
			s.parameter(body)
		case 'R':
			s.authentication(body)
		case 'K':
			s.backendKey(body)
		}
	})
}
