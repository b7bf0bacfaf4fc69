package httpd

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// limited starts a server with a very short limit for bodies.
func limited(t *testing.T, h http.HandlerFunc) *Server {
	t.Helper()
	s := New(Options{Addr: "127.0.0.1:0", Mounts: map[string]http.Handler{"/": h}})
	s.bodyLimit = 50 * time.Millisecond
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Stop(context.Background())
		http.DefaultClient.CloseIdleConnections()
	})
	return s
}

func TestBodyThatDoesNotCome(t *testing.T) {
	failed := make(chan error, 1)
	s := limited(t, func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		failed <- err
	})
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
	if err := <-failed; err == nil {
		t.Error("reading the body should have failed")
	}
	if _, err := io.Copy(io.Discard, bufio.NewReader(conn)); err != nil {
		t.Errorf("the connection should be closed: %v", err)
	}
}

func TestHandlerMayTakeLongerThanTheBody(t *testing.T) {
	s := limited(t, func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			t.Error(err)
		}
		select {
		case <-r.Context().Done():
			io.WriteString(w, "cancelled")
		case <-time.After(200 * time.Millisecond): // four times the limit
			io.WriteString(w, "done")
		}
	})
	res, err := http.Post("http://"+s.Addr()+"/x", "text/plain", strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, _ := io.ReadAll(res.Body); string(b) != "done" {
		t.Errorf("got %q", b)
	}
}
