package hub

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// A hub that stops in the middle of its list of files is asked again, and given up in the end.
func TestListStalls(t *testing.T) {
	for _, c := range []struct{ stalls, asked int }{{1, 2}, {attempts, attempts}} {
		asked := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked++
			io.WriteString(w, `{"sha": "`+commit+`", `)
			if asked <= c.stalls {
				w.(http.Flusher).Flush()
				<-r.Context().Done()
				return
			}
			io.WriteString(w, `"siblings": [{"rfilename": "config.json"}]}`)
		}))
		hub, err := newClient(Options{Endpoint: server.URL, Dir: t.TempDir(), Wait: func(context.Context, int) error { return nil }})
		if err != nil {
			t.Fatal(err)
		}
		hub.stall = 50 * time.Millisecond
		l, err := hub.list(t.Context(), "a/b", "main")
		server.Close()
		if c.stalls < attempts && (err != nil || len(l.files) != 1) || c.stalls == attempts && !errors.Is(err, errStalled) {
			t.Errorf("%d times: %+v, %v", c.stalls, l, err)
		}
		if asked != c.asked {
			t.Errorf("asked %d times, want %d", asked, c.asked)
		}
	}
}
