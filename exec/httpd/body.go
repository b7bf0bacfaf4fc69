package httpd

import (
	"io"
	"net/http"
	"time"
)

// limitBody gives a client so much time to send the body, and a handler as much as it likes after that. A ReadTimeout of
// http.Server would go on running after the body has come, and cancel the context of every handler that takes longer: net/http
// reads from the connection while a handler runs, to notice a client that goes away.
func limitBody(w http.ResponseWriter, r *http.Request, limit time.Duration) {
	if r.Body == nil || r.Body == http.NoBody {
		return
	}
	conn := http.NewResponseController(w)
	if conn.SetReadDeadline(time.Now().Add(limit)) == nil {
		r.Body = &limitedBody{ReadCloser: r.Body, conn: conn}
	}
}

type limitedBody struct {
	io.ReadCloser
	conn *http.ResponseController
}

func (b *limitedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		_ = b.conn.SetReadDeadline(time.Time{}) // fails only when the connection has gone
	}
	return n, err
}
