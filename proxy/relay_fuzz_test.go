package proxy

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// A session that has not ended this long after both sides have said their last word hangs. It is generous: fuzzing shares the machine.
const fuzzPatience = 60 * time.Second

// FuzzRelay plays a client that sends the one text and a server that sends the other, each cut in pieces at random. Whatever they are, the
// session ends without a panic, and what arrives on either side is what was sent, from its beginning.
func FuzzRelay(f *testing.F) {
	hello := "\x00\x00\x00\x12\x00\x03\x00\x00user\x00me\x00\x00"
	welcome := "R\x00\x00\x00\x08\x00\x00\x00\x00S\x00\x00\x00\x16server_version\x0015\x00K\x00\x00\x00\x0c\x00\x00\x00\x01\x00\x00\x00\x02Z\x00\x00\x00\x05I"
	f.Add([]byte(hello), []byte(welcome), uint64(0))
	f.Add([]byte("\x00\x00\x00\x08\x04\xd2\x16\x2f"+hello+"Q\x00\x00\x00\x0dSELECT 1\x00X\x00\x00\x00\x04"), []byte(welcome+"C\x00\x00\x00\x0dSELECT 1\x00Z\x00\x00\x00\x05I"), uint64(1))
	f.Add([]byte("\x00\x00\x00\x10\x04\xd2\x16\x2e\x00\x00\x00\x01\x00\x00\x00\x02"), []byte{}, uint64(2))
	f.Add([]byte(hello), []byte("R\x00\x00\x00\x2a\x00\x00\x00\x0aSCRAM-SHA-256-PLUS\x00SCRAM-SHA-256\x00\x00"), uint64(3))
	f.Add([]byte(hello+"P\x00\x00\x00\x03"), []byte(welcome+"E\xff\xff\xff\xff"), uint64(4))
	log, logged := fuzzLog()
	far := newFuzzServer(f)
	p, err := New(Options{Address: "127.0.0.1:0", Upstream: "postgres://me@/db?sslmode=disable&host=" + far.dir, Log: log})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, fromClient, fromServer []byte, seed uint64) {
		random := rand.New(rand.NewPCG(seed, 1))
		visits := far.play(fromServer, seed)
		client, err := p.Dial(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		got := make(chan []byte, 1)
		go func() {
			b, _ := io.ReadAll(client)
			got <- b
		}()
		inPieces(client, fromClient, random)
		client.(interface{ CloseWrite() error }).CloseWrite()
		var toClient []byte
		select {
		case toClient = <-got:
		case <-time.After(fuzzPatience):
			t.Fatalf("the session hangs\n%s", stacks())
		}
		sent, refusals := afterRequests(fromClient)
		for i, toServer := range visits() {
			if i == 0 && !bytes.HasPrefix(sent, toServer) {
				t.Errorf("the server got\n%q\nof\n%q", toServer, sent)
			}
		}
		if want := append(refusals, fromServer...); !bytes.HasPrefix(want, toClient) && !allowed(want, toClient) {
			t.Errorf("the client got\n%q\nof\n%q", toClient, want)
		}
		for _, e := range logged.TakeAll() {
			if e.Level >= zapcore.ErrorLevel {
				t.Errorf("%s: %v", e.Message, e.ContextMap())
			}
		}
	})
}

// afterRequests gives what a client says to the server: what comes before its start-up message is answered here, with an N each.
func afterRequests(client []byte) (rest, refusals []byte) {
	for len(client) >= 8 {
		code := binary.BigEndian.Uint32(client[4:])
		size := binary.BigEndian.Uint32(client)
		if code != sslRequest && code != gssEncRequest || size < 8 || size > maxStartup || int(size) > len(client) {
			break
		}
		client, refusals = client[size:], append(refusals, 'N')
	}
	return client, refusals
}

// allowed tells the answers that are not the server's own: an error of the proxy's, and an offer of mechanisms without those that bind.
func allowed(want, got []byte) bool {
	n := 0
	for n < len(want) && n < len(got) && want[n] == got[n] {
		n++
	}
	return bytes.Contains(want, []byte("SCRAM-SHA-256-PLUS")) || bytes.Contains(want, []byte{'R'}) && n > 0 || bytes.Contains(got[n:], []byte("SFATAL\x00"))
}

func fuzzLog() (*zap.Logger, *observer.ObservedLogs) {
	core, logged := observer.New(zapcore.ErrorLevel)
	return zap.New(core), logged
}

// inPieces writes b cut at random.
func inPieces(w io.Writer, b []byte, random *rand.Rand) {
	most := 1 << random.IntN(14)
	for len(b) > 0 {
		n := 1 + random.IntN(min(most, len(b)))
		if _, err := w.Write(b[:n]); err != nil {
			return
		}
		b = b[n:]
	}
}

func stacks() []byte {
	b := make([]byte, 1<<20)
	return b[:runtime.Stack(b, true)]
}

// fuzzServer is a server that says what it is told to say, whatever it hears, and leaves when the client has.
type fuzzServer struct {
	dir string

	mu     sync.Mutex
	answer []byte
	seed   uint64
	visits [][]byte
	wait   *sync.WaitGroup
}

func newFuzzServer(tb testing.TB) *fuzzServer {
	tb.Helper()
	dir, err := os.MkdirTemp("", "pgowl-fuzz-*") // the test's own folder has a path too long for a socket
	if err != nil {
		tb.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(dir, ".s.PGSQL.5432"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		l.Close()
		os.RemoveAll(dir)
	})
	s := &fuzzServer{dir: dir, wait: &sync.WaitGroup{}}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.serve(c)
		}
	}()
	return s
}

// play sets what is said to all who come from now on; the function that it gives waits for them to leave, and gives what they said.
func (s *fuzzServer) play(answer []byte, seed uint64) (visits func() [][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer, s.seed, s.visits, s.wait = answer, seed, nil, &sync.WaitGroup{}
	return func() [][]byte {
		s.mu.Lock()
		wait := s.wait
		s.mu.Unlock()
		wait.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.visits
	}
}

func (s *fuzzServer) serve(c net.Conn) {
	s.mu.Lock()
	answer, wait, random := s.answer, s.wait, rand.New(rand.NewPCG(s.seed, 2))
	i := len(s.visits)
	s.visits = append(s.visits, nil)
	wait.Add(1)
	s.mu.Unlock()
	go func() {
		defer wait.Done()
		defer c.Close()
		said := make(chan struct{})
		go func() {
			defer close(said)
			inPieces(c, answer, random)
		}()
		heard := make([]byte, 8)
		n, _ := io.ReadFull(c, heard)
		heard = heard[:n]
		if n < 8 || binary.BigEndian.Uint32(heard[4:]) != cancelRequest { // whose sender waits for the server to leave
			rest, _ := io.ReadAll(c)
			heard = append(heard, rest...)
			<-said
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if i < len(s.visits) {
			s.visits[i] = heard
		}
	}()
}
