package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/pgowl/pgowl/conf"
	"github.com/pgowl/pgowl/exec/embedded"
	"github.com/pgowl/pgowl/exec/httpd"
	"github.com/pgowl/pgowl/proxy"
	"github.com/pgowl/pgowl/proxy/auth"
	"github.com/pgowl/pgowl/proxy/sockets"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// watch carries out what signals ask of a process that serves.
type watch struct {
	conf          conf.Config
	args, environ []string // what conf was read from
	sockets       *sockets.Set
	private       *embedded.Server // nil: none
	auth          *auth.Authenticator
	front         *proxy.Server
	door          *httpd.Server
	log           *zap.Logger
	level         zap.AtomicLevel
}

// until returns when the process shall end: SIGTERM lets transactions finish first, SIGINT does not, SIGUSR2 has a new process take over,
// and SIGHUP, after which it goes on, reads the settings again.
func (w *watch) until(orders <-chan os.Signal) error {
	var gone <-chan struct{}
	if w.private != nil {
		gone = w.private.Done()
	}
	for {
		select {
		case order := <-orders:
			switch order {
			case syscall.SIGHUP:
				w.reload()
			case syscall.SIGUSR2:
				if w.handOver(orders) {
					return nil
				}
			default:
				w.log.Info("stopping", zap.Stringer("signal", order))
				sockets.Notify("STOPPING=1")
				if order == syscall.SIGTERM {
					w.limited(orders, w.conf.ShutdownTime, w.front.Drain)
				}
				return nil
			}
		case <-gone:
			return errors.New("the embedded Postgres has ended; its log is " + filepath.Join(w.conf.Data, "postgres.log"))
		}
	}
}

// limited does something that may take so long, and ends at the next signal that asks for an end.
func (w *watch) limited(orders <-chan os.Signal, most time.Duration, do func(ctx context.Context)) (interrupted bool) {
	ctx, cancel := context.WithTimeout(context.Background(), most)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		do(ctx)
	}()
	for {
		select {
		case order := <-orders:
			if order == os.Interrupt || order == syscall.SIGTERM {
				interrupted = true
				cancel()
			}
		case <-done:
			return interrupted
		}
	}
}

// newProcessTime is how long a new process may take until it serves: it may have models to load.
const newProcessTime = 2 * time.Minute

// handOver starts a new process on the same sockets, and waits for the clients of this one to leave.
func (w *watch) handOver(orders <-chan os.Signal) bool {
	if w.private != nil {
		w.log.Error("no new process is started: the embedded Postgres can't be handed over")
		return false
	}
	var next *os.Process
	var err error
	interrupted := w.limited(orders, newProcessTime, func(ctx context.Context) { next, err = w.sockets.HandOver(ctx) })
	if interrupted && err != nil {
		w.log.Info("stopping, and so is the new process")
		w.limited(orders, w.conf.ShutdownTime, w.front.Drain)
		return true
	}
	if err != nil {
		w.log.Error("no new process is started", zap.Error(err))
		return false
	}
	w.log.Info("a new process has taken over", zap.Int("pid", next.Pid))
	w.door.Stop(context.Background()) // before anything makes /ready say no: the new process is ready
	w.front.Refuse()
	if interrupted || !w.limited(orders, w.conf.ShutdownTime, w.front.Leave) {
		w.limited(orders, w.conf.ShutdownTime, w.front.Drain)
	}
	return true
}

// reloadable are the settings that a running process takes anew. Of the others that name files, users and tls_map, the contents are read again.
var reloadable = []string{"upstream", "tls_cert", "tls_key", "tls_ca", "tls_client", "log_level", "shutdown_time", "max_connections",
	"max_role_connections", "max_database_connections", "max_logins", "login_time", "max_message", "client_keepalive_idle",
	"client_keepalive_interval", "client_keepalive_count", "client_user_timeout"}

// reload reads the settings and the files that they name again. What is wrong leaves everything as it is.
func (w *watch) reload() {
	sockets.Notify("RELOADING=1")
	defer sockets.Notify("READY=1")
	c, err := conf.Load(w.args, w.environ)
	if err != nil {
		w.log.Error("the settings stay as they are", zap.Error(err))
		return
	}
	var kept []string
	for _, key := range conf.Changed(w.conf, c) {
		fixed := !slices.Contains(reloadable, key)
		switch key {
		case "upstream":
			fixed = w.conf.Upstream == "" || c.Upstream == "" || c.Pool != "none" // to or from the embedded one, or a pool's
		}
		if fixed {
			kept = append(kept, key)
		}
	}
	if len(kept) > 0 {
		w.log.Warn("these settings take effect with the next start only", zap.Strings("settings", kept))
	}
	secure, err := listenerTLS(c)
	if err != nil {
		w.log.Error("the settings stay as they are", zap.Error(err))
		return
	}
	settings := proxy.Settings{Upstream: string(c.Upstream), Service: string(w.conf.Service), TLS: secure, Limits: limits(c)}
	if slices.Contains(kept, "upstream") || w.private != nil {
		settings.Upstream, settings.Service = w.front.Upstream()
	}
	if err := w.front.Reload(settings); err != nil {
		w.log.Error("the settings stay as they are", zap.Error(err))
		return
	}
	if err := w.auth.Reload(); err != nil {
		w.log.Error("the users file stays as it was", zap.Error(err))
	}
	if level, err := zapcore.ParseLevel(c.LogLevel); err == nil {
		w.level.SetLevel(level)
	}
	w.conf.ShutdownTime = c.ShutdownTime
	w.log.Info("the settings were read again")
}

// limits are the proxy's, of the settings.
func limits(c conf.Config) proxy.Limits {
	return proxy.Limits{Connections: c.MaxConnections, PerRole: c.MaxRoleConnections, PerDatabase: c.MaxDatabaseConnections, Logins: c.MaxLogins,
		LoginTime: c.LoginTime, MaxMessage: c.MaxMessage,
		TCP: sockets.TCP{Idle: c.ClientKeepaliveIdle, Interval: c.ClientKeepaliveInterval, Count: c.ClientKeepaliveCount, UserTimeout: c.ClientUserTimeout}}
}
