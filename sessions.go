package main

import (
	"context"
	"net"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/conf"
	"github.com/pgowl/pgowl/proxy"
)

func restURL(c conf.Config, service string) string {
	if c.RESTDB != "" {
		return string(c.RESTDB)
	}
	return service
}

// through opens sessions of a URL's role that come through the proxy, inside the process.
func through(front *proxy.Server, url string) func(ctx context.Context) (*pgx.Conn, error) {
	return func(ctx context.Context) (*pgx.Conn, error) {
		config, err := pgx.ParseConfig(url)
		if err != nil {
			return nil, err
		}
		return inside(ctx, front, config)
	}
}

// jobSessions opens the sessions of scheduled jobs, as pg_cron does: as the job's role, whose password comes from the password file
// unless the role is the service connection's, or the server trusts it.
func jobSessions(front *proxy.Server, service, inner string) func(ctx context.Context, database, username string) (*pgx.Conn, error) {
	return func(ctx context.Context, database, username string) (*pgx.Conn, error) {
		config, err := pgx.ParseConfig(service)
		if err != nil {
			return nil, err
		}
		if inner == "" && config.User != username {
			config.Password = passwordOf(config.Host, config.Port, database, username)
		}
		config.User, config.Database = username, database
		config.RuntimeParams["application_name"] = "pg_cron"
		return inside(ctx, front, config)
	}
}

func inside(ctx context.Context, front *proxy.Server, config *pgx.ConnConfig) (*pgx.Conn, error) {
	config.TLSConfig, config.Fallbacks = nil, nil
	config.ChannelBinding = "disable" // the proxy's own connection to the server is the one that can be bound to
	config.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) { return front.Dial(ctx) }
	config.LookupFunc = func(context.Context, string) ([]string, error) { return []string{"127.0.0.1"}, nil }
	return pgx.ConnectConfig(ctx, config)
}
