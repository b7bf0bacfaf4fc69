package wire

import (
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"sync"
	"testing"
)

// crumble puts a relay before a server that passes all on in pieces of any size, and gives the URL that leads through it. It lives as
// long as the tests.
func crumble(t *testing.T, server string) string {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	address := u.Host
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	shared.stop = append(shared.stop, func() {
		l.Close()
		wait.Wait()
	})
	wait.Add(1)
	go func() {
		defer wait.Done()
		for n := uint64(0); ; n += 2 {
			client, err := l.Accept()
			if err != nil {
				return
			}
			wait.Add(1)
			go func() {
				defer wait.Done()
				defer client.Close()
				to, err := net.Dial("tcp", address)
				if err != nil {
					return
				}
				defer to.Close()
				done := make(chan struct{})
				go func() {
					defer close(done)
					pieces(to.(*net.TCPConn), client, rand.New(rand.NewPCG(seed, n)))
				}()
				pieces(client.(*net.TCPConn), to, rand.New(rand.NewPCG(seed, n+1)))
				client.(*net.TCPConn).CloseRead()
				<-done
			}()
		}
	}()
	u.Host = l.Addr().String()
	return u.String()
}

// pieces copies up to the end, and then closes that direction.
func pieces(to *net.TCPConn, from io.Reader, dice *rand.Rand) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		for b := buf[:n]; len(b) > 0; {
			size := min(len(b), 1+dice.IntN(1<<dice.IntN(14)))
			if _, err := to.Write(b[:size]); err != nil {
				return
			}
			b = b[size:]
		}
		if err != nil {
			to.CloseWrite()
			return
		}
	}
}
