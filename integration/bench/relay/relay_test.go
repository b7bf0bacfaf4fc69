package relay

import (
	"bytes"
	"io"
	"net"
	"testing"
)

// TestRelayCopiesBothWaysAndEnds: what goes in comes out, an end on one side ends the other, and Stop leaves nothing running.
func TestRelayCopiesBothWaysAndEnds(t *testing.T) {
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	ended := make(chan error, 1)
	go func() {
		c, err := echo.Accept()
		if err == nil {
			_, err = io.Copy(c, c)
			c.Close()
		}
		ended <- err
	}()
	r, err := Start(echo.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Stop()
	c, err := net.Dial("tcp", r.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	sent := bytes.Repeat([]byte("to and fro "), 50_000)
	go c.Write(sent)
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, sent) {
		t.Fatalf("%v, same bytes: %v", err, bytes.Equal(got, sent))
	}
	c.Close()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	r.Stop()
	if _, err := net.Dial("tcp", r.Addr().String()); err == nil {
		t.Fatal("it still listens")
	}
}
