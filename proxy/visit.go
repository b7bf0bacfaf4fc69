package proxy

import (
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/pgowl/pgowl/exec/function"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// visit is what is kept of a client's connection beside its messages: who it is, what it was counted as, and what is logged of it.
type visit struct {
	proxy  *Server
	log    *zap.Logger
	opened time.Time
	inside bool    // from inside the process: neither limited nor logged
	ticket *ticket // nil where inside

	mu         sync.Mutex
	authorized bool
	timer      *time.Timer // ends a log-in that takes too long
}

var visits atomic.Uint64

// arrive begins a visit.
func (p *Server) arrive(conn net.Conn, inside bool) (*visit, error) {
	v := &visit{proxy: p, opened: time.Now(), inside: inside}
	// As Postgres' %c: unique over restarts, and short.
	id := strconv.FormatInt(p.born.Unix(), 16) + "." + strconv.FormatUint(visits.Add(1), 16)
	v.log = p.options.Log.WithLazy(zap.String("session", id), zap.String("client", clientAddress(conn)))
	if inside {
		return v, nil
	}
	p.metrics.connections.Inc()
	v.say("connection received")
	var err error
	if v.ticket, err = p.gate.knock(p.limits()); err != nil {
		p.metrics.refused.WithLabelValues("logins").Inc()
		return v, err
	}
	return v, nil
}

// say logs what happens to a connection: at debug, and at info where Options.LogConnections wants it.
func (v *visit) say(what string, fields ...zap.Field) {
	if v.inside {
		return
	}
	level := zapcore.DebugLevel
	if v.proxy.options.LogConnections {
		level = zapcore.InfoLevel
	}
	if e := v.log.Check(level, what); e != nil {
		e.Write(fields...)
	}
}

// introduce notes who the client says it is; the error says why it is not let in.
func (v *visit) introduce(settings map[string]string) error {
	user, database := settings["user"], settings["database"]
	if database == "" {
		database = user
	}
	if replicates(settings["replication"]) {
		database = ""
	}
	v.log = v.log.WithLazy(zap.String("user", user), zap.String("database", database), zap.String("application", settings["application_name"]))
	if v.ticket == nil {
		return nil
	}
	err := v.ticket.admit(v.proxy.limits(), user, database)
	if err != nil {
		v.proxy.metrics.refused.WithLabelValues("limit").Inc()
		v.say("connection refused", zap.Error(err))
	}
	return err
}

// errLate is why a session ends that has not logged in in time.
var errLate = errors.New("log-in took too long")

// hurry ends the session when its log-in takes too long.
func (v *visit) hurry(s *session) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.timer = time.AfterFunc(time.Until(v.opened.Add(v.proxy.limits().loginTime())), func() {
		v.mu.Lock()
		late := !v.authorized
		v.mu.Unlock()
		if late {
			v.proxy.metrics.refused.WithLabelValues("login time").Inc()
			s.terminate("57014", "canceling authentication due to timeout")
			s.cancel(errLate) // it may wait for a server connection
		}
	})
}

// loggedIn is called when the server is ready for the first statement.
func (v *visit) loggedIn() {
	if v == nil {
		return
	}
	v.mu.Lock()
	v.authorized = true
	if v.timer != nil {
		v.timer.Stop()
	}
	v.mu.Unlock()
	if v.ticket != nil {
		v.ticket.authenticated()
	}
	v.say("connection authorized", zap.Duration("after", time.Since(v.opened)))
}

// leave ends the visit.
func (v *visit) leave(err error) {
	v.mu.Lock()
	if v.timer != nil {
		v.timer.Stop()
	}
	v.mu.Unlock()
	if v.ticket != nil {
		v.ticket.leave()
	}
	reason := "closed"
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, errClosed) && !errors.Is(err, net.ErrClosed) {
		reason = err.Error()
	}
	v.say("connection ended", zap.String("reason", reason), zap.Duration("duration", time.Since(v.opened)))
}

// refuse tells a client why it isn't served.
func refuse(conn net.Conn, err error) {
	var e *function.Error
	if errors.As(err, &e) {
		fatal(conn, e.Code, e.Message)
	}
}

// largeTime is how long a message that is refused for its size may go on to come.
const largeTime = time.Second

// tooLarge ends a session whose client sends a message beyond the limit. What it sent before has been forwarded. The message itself is heard to
// its end: a client that is cut off while it writes may never read why.
func (s *session) tooLarge(in *buffer, size int) error {
	text := "message of " + strconv.Itoa(size) + " bytes is larger than this server takes (" + strconv.Itoa(s.largest) + ")"
	s.out.Lock()
	defer s.out.Unlock()
	s.client.SetDeadline(time.Now().Add(largeTime))
	s.client.Write(encode(&pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: "54000", Message: text}))
	io.CopyN(io.Discard, s.client, int64(size-(in.w-in.r)))
	s.client.Close()
	return errors.New(text)
}

// replicates tells whether the value of the setting replication asks for physical replication, which has no database. A client that
// says no in some way is an ordinary one (Postgres' parse_bool: any unambiguous beginning, in any case).
func replicates(value string) bool {
	v := strings.ToLower(value)
	return v != "" && v != "o" && (v == "on" || v == "1" || strings.HasPrefix("true", v) || strings.HasPrefix("yes", v))
}
