package ops

import (
	"errors"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pgowl/pgowl/integration/pgtest"
)

// code gives an error's SQLSTATE, or its text.
func code(err error) string {
	var pg *pgconn.PgError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &pg):
		return pg.Code
	}
	return err.Error()
}

// drivers are the ways in which sessions are moved.
var drivers = []string{"epoll", "goroutines"}

// SIGTERM ends idle sessions at once, lets a transaction finish, takes no connections, and isn't ready.
func TestGracefulShutdown(t *testing.T) {
	for _, driver := range drivers {
		t.Run(driver, func(t *testing.T) {
			url := pgtest.Start(t).Database(t)
			o := launch(t, url, "PGOWL_DRIVER="+driver)
			idle, busy := connect(t, through(url, o.sql)), connect(t, through(url, o.sql))
			one(t, idle, "SELECT 1")
			one(t, busy, "CREATE TABLE kept (a int)")
			one(t, busy, "BEGIN")
			one(t, busy, "INSERT INTO kept VALUES (1)")
			if status, _ := get("http://" + o.http + "/ready"); status != http.StatusOK {
				t.Errorf("ready before: %d", status)
			}
			o.signal(t, syscall.SIGTERM)
			o.logged(t, "stopping", 1)
			_, err := try(idle, "SELECT 1")
			for deadline := time.Now().Add(patience); err == nil && time.Now().Before(deadline); {
				_, err = try(idle, "SELECT 1") // was faster than the signal, whose coming is logged first
			}
			if code(err) != "57P01" {
				t.Errorf("idle: got %v, want 57P01", err)
			}
			if status, _ := get("http://" + o.http + "/ready"); status != http.StatusServiceUnavailable {
				t.Errorf("ready while it drains: %d", status)
			}
			if _, err := dial(t, through(url, o.sql)); err == nil {
				t.Error("a connection was taken")
			}
			if got := one(t, busy, "SELECT count(*) FROM kept"); got != "1" {
				t.Errorf("the transaction: got %s", got)
			}
			one(t, busy, "COMMIT")
			if _, err := try(busy, "SELECT pg_sleep(60)"); code(err) != "57P01" && err == nil {
				t.Errorf("after the transaction: got %v", err)
			}
			o.ended(t)
			if got := one(t, connect(t, url), "SELECT count(*) FROM kept"); got != "1" {
				t.Errorf("rows afterwards: got %s", got)
			}
		})
	}
}

// A transaction that does not end is ended with the time for it, and at once by a second signal, or by SIGINT.
func TestShutdownDoesNotWaitForEver(t *testing.T) {
	for _, c := range []struct {
		name    string
		signals []syscall.Signal
		env     string
	}{
		{"time", []syscall.Signal{syscall.SIGTERM}, "PGOWL_SHUTDOWN_TIME=200ms"},
		{"second signal", []syscall.Signal{syscall.SIGTERM, syscall.SIGTERM}, "PGOWL_SHUTDOWN_TIME=10m"},
		{"SIGINT", []syscall.Signal{syscall.SIGINT}, "PGOWL_SHUTDOWN_TIME=10m"},
	} {
		t.Run(c.name, func(t *testing.T) {
			url := pgtest.Start(t).Database(t)
			o := launch(t, url, c.env)
			busy := connect(t, through(url, o.sql))
			one(t, busy, "BEGIN")
			for i, s := range c.signals {
				o.signal(t, s)
				if i == 0 {
					o.logged(t, "stopping", 1)
				}
			}
			o.ended(t)
			if _, err := try(busy, "SELECT 1"); code(err) != "57P01" {
				t.Errorf("got %v, want 57P01", err)
			}
		})
	}
}
