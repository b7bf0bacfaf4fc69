package main

import (
	"context"
	"net/url"
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

// verifier is what the server knows of the superuser's password.
func (s *stage) verifier(ctx context.Context) (v string, err error) {
	c, err := pgx.Connect(ctx, s.url("direct"))
	if err != nil {
		return "", err
	}
	defer c.Close(ctx)
	return v, c.QueryRow(ctx, "SELECT rolpassword FROM pg_authid WHERE rolname = current_user").Scan(&v)
}
