package pool

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pgowl/pgowl/proxy/auth"
)

// A session that has not ended this long after its client's last word hangs. It is generous: fuzzing shares the machine.
const fuzzPatience = 60 * time.Second

// fuzzHello is a server's way to its first ReadyForQuery.
const fuzzHello = "R\x00\x00\x00\x08\x00\x00\x00\x00S\x00\x00\x00\x16server_version\x0015\x00S\x00\x00\x00\x19client_encoding\x00UTF8\x00" +
	"K\x00\x00\x00\x0c\x00\x00\x00\x01\x00\x00\x00\x02Z\x00\x00\x00\x05I"

// FuzzLink plays clients of the transaction mode that send the one text, and servers that say the other, after a log-in or instead of one,
// each cut in pieces at random. Whatever they are, every session ends, nothing panics, and the pool keeps nothing.
func FuzzLink(f *testing.F) {
	query := "Q\x00\x00\x00\x0dSELECT 1\x00"
	done := "C\x00\x00\x00\x0dSELECT 1\x00Z\x00\x00\x00\x05I"
	f.Add([]byte(query+query+"X\x00\x00\x00\x04"), []byte(done+done), uint64(0))
	f.Add([]byte("P\x00\x00\x00\x11a\x00SELECT 1\x00\x00\x00B\x00\x00\x00\x0d\x00a\x00\x00\x00\x00\x00\x00\x00E\x00\x00\x00\x09\x00\x00\x00\x00\x00S\x00\x00\x00\x04"+
		"C\x00\x00\x00\x07Sa\x00S\x00\x00\x00\x04"), []byte("1\x00\x00\x00\x042\x00\x00\x00\x04"+done+"3\x00\x00\x00\x04Z\x00\x00\x00\x05I"), uint64(1))
	f.Add([]byte("Q\x00\x00\x00\x18COPY a FROM STDIN  \x00d\x00\x00\x00\x06x\nc\x00\x00\x00\x04"), []byte("G\x00\x00\x00\x07\x00\x00\x00"+done), uint64(2))
	f.Add([]byte("Q\x00\x00\x00\x0aBEGIN\x00"+query), []byte("C\x00\x00\x00\x0aBEGIN\x00Z\x00\x00\x00\x05TE\x00\x00\x00\x05\x00Z\x00\x00\x00\x05E"), uint64(4))
	f.Add([]byte(query+"Q\x3f\xff\xff\xff"), []byte("T\xff\xff\xff\xff"), uint64(8))
	f.Add([]byte(query), []byte("R\x00\x00\x00\x0c\x00\x00\x00\x05saltE\xff\xff\xff\xff"), uint64(1<<8))
	f.Fuzz(func(t *testing.T, fromClient, fromServer []byte, seed uint64) {
		if seed>>8&1 == 0 {
			fromServer = append([]byte(fuzzHello), fromServer...)
		}
		site := &fuzzSite{says: fromServer, seed: seed}
		p, err := New(Options{Mode: Transaction, Size: 1 + int(seed>>9&1), Wait: time.Second, Dial: site.dial})
		if err != nil {
			t.Fatal(err)
		}
		var sessions sync.WaitGroup
		for n := range 1 + seed>>10&1 {
			sessions.Go(func() { fuzzSession(t, p, fromClient, rand.New(rand.NewPCG(seed, 2+n)), seed>>11&1 == 1) })
		}
		ended := make(chan struct{})
		go func() {
			sessions.Wait()
			p.Close()
			site.wait.Wait()
			close(ended)
		}()
		select {
		case <-ended:
		case <-time.After(fuzzPatience):
			b := make([]byte, 1<<20)
			t.Fatalf("it hangs\n%s", b[:runtime.Stack(b, true)])
		}
		if st := p.Stats(); st.Servers != 0 || st.Waiting != 0 || p.metrics.lent.Load() != 0 {
			t.Errorf("the pool keeps %+v, %d lent", st, p.metrics.lent.Load())
		}
	})
}

// fuzzSession is one session: a client that says its text, then that it has nothing more to say, and reads what comes.
func fuzzSession(t *testing.T, p *Pool, says []byte, random *rand.Rand, cancels bool) {
	c, ok := NewClient(3<<16, []byte("user\x00me\x00\x00"))
	if !ok {
		t.Error("no client")
		return
	}
	c.Secret, c.Proven = auth.Secret{Password: "x"}, true
	l, err := p.Link(context.Background(), c, func(uint32) {})
	if err != nil {
		Refusal(err)
		return
	}
	var writer sync.WaitGroup
	writer.Go(func() {
		fuzzPieces(l, says, random)
		if cancels {
			l.Cancel(context.Background())
		}
		l.CloseWrite()
	})
	io.Copy(io.Discard, l)
	l.Close()
	writer.Wait()
	io.Copy(io.Discard, l) // what the writer was told meanwhile has an end, too
}

// fuzzPieces writes b cut at random.
func fuzzPieces(w io.Writer, b []byte, random *rand.Rand) {
	most := 1 << random.IntN(14)
	for len(b) > 0 {
		n := 1 + random.IntN(min(most, len(b)))
		if _, err := w.Write(b[:n]); err != nil {
			return
		}
		b = b[n:]
	}
}

// fuzzSite is a server that says to all what it is told to say, whatever it hears.
type fuzzSite struct {
	says []byte
	seed uint64
	wait sync.WaitGroup
}

// dial gives one end of a pair of sockets: the pool looks at an idle connection's descriptor.
func (s *fuzzSite) dial(context.Context) (net.Conn, error) {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	var ends [2]net.Conn
	for i, fd := range pair {
		file := os.NewFile(uintptr(fd), "pair")
		if ends[i], err = net.FileConn(file); err != nil {
			return nil, err
		}
		file.Close()
	}
	random := rand.New(rand.NewPCG(s.seed, 1))
	s.wait.Go(func() {
		defer ends[0].Close()
		var heard sync.WaitGroup
		heard.Go(func() { io.Copy(io.Discard, ends[0]) })
		fuzzPieces(ends[0], s.says, random)
		ends[0].(*net.UnixConn).CloseWrite()
		heard.Wait()
	})
	return ends[1], nil
}

// FuzzJudge reads any text as a statement: what is found lies in it.
func FuzzJudge(f *testing.F) {
	for _, s := range []string{"SELECT 1", "SET a = 1; EXECUTE \"a\"(1)", "DEALLOCATE PREPARE a", "DO $x$ SET 'a' $x$", "SELECT set_config('a', E'\\'', true)", "/* /* */ EXECUTE"} {
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, text []byte, backslash bool) {
		if v := judge(text, backslash); v.first != "" && (v.from < 0 || v.from >= v.to || v.to > len(text)) {
			t.Errorf("a name at %d to %d of %d", v.from, v.to, len(text))
		}
	})
}
