package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/exec/embedded"
)

// maxSessions that each proxy may open at the server.
const maxSessions = 1200

// password of the superuser: everybody logs in by SCRAM, as in earnest.
const password = "bench"

// startPostgres starts a server of the bench's own: room for the sessions of two proxies, and for all data in memory.
func startPostgres(ctx context.Context, folder string) (*embedded.Cluster, error) {
	programs, err := embedded.Find(0)
	if err != nil {
		return nil, err
	}
	c := &embedded.Cluster{Binaries: programs, Dir: filepath.Join(folder, "pg"), LogFile: filepath.Join(folder, "pg.log"),
		Settings: map[string]string{
			"unix_socket_directories": "",
			"max_connections":         strconv.Itoa(2*maxSessions + 100),
			"shared_buffers":          "512MB",
			"logging_collector":       "off",
		}}
	if err := c.Init(ctx, password); err != nil {
		return nil, err
	}
	return c, c.Start(ctx)
}

func postgresURL(c *embedded.Cluster) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword("postgres", password), Host: "127.0.0.1:" + strconv.Itoa(c.Port), Path: "/postgres", RawQuery: "sslmode=disable"}
	return u.String()
}

// writeUsers makes a users file of what the server knows of the superuser's password: with its own verifier a proxy can log in with what
// clients prove.
func (s *stage) writeUsers(ctx context.Context) error {
	c, err := pgx.Connect(ctx, s.url("direct"))
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	var name, verifier string
	if err := c.QueryRow(ctx, "SELECT rolname, rolpassword FROM pg_authid WHERE rolname = current_user").Scan(&name, &verifier); err != nil {
		return err
	}
	s.usersFile = filepath.Join(s.folder, "users.txt")
	return os.WriteFile(s.usersFile, fmt.Appendf(nil, "\"%s\" \"%s\"\n", name, verifier), 0o644)
}
