package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/conf"
	"github.com/pgowl/pgowl/exec"
	"github.com/pgowl/pgowl/exec/cron"
	"github.com/pgowl/pgowl/exec/embedded"
	"github.com/pgowl/pgowl/exec/httpd"
	"github.com/pgowl/pgowl/exec/rest"
	"github.com/pgowl/pgowl/models/text"
	"github.com/pgowl/pgowl/proxy"
	"github.com/pgowl/pgowl/proxy/auth"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.uber.org/zap"
)

// serve runs the proxy and what belongs to it until ctx ends. Parts are started in the order that they need each other in, and
// stopped in the opposite one.
func serve(ctx context.Context, c conf.Config) error {
	log, err := logger(c)
	if err != nil {
		return err
	}
	defer log.Sync()
	upstream, service, inner := string(c.Upstream), string(c.Service), ""
	var private *embedded.Server
	if upstream == "" {
		if private, err = embedded.Start(ctx, embedded.Options{Data: c.Data, Log: log}); err != nil {
			return err
		}
		defer private.Stop()
		upstream, service, inner = private.URL(), private.URL(), private.SocketURL()
	}
	secret, err := jwtSecret(c, private != nil, log)
	if err != nil {
		return err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))

	var engine *exec.Engine
	if service != "" {
		if engine, err = startEngine(ctx, c, service, log); err != nil {
			return err
		}
		defer engine.Stop()
	}
	tlsConfig, err := listenerTLS(c)
	if err != nil {
		return err
	}
	authenticator, err := auth.New(auth.Options{Mode: auth.Mode(c.Auth), Users: c.Users, Map: c.TLSMap, Log: log})
	if err != nil {
		return err
	}
	front, err := proxy.New(proxy.Options{Address: c.Listen, Upstream: upstream, Service: service, Inner: inner, Driver: c.Driver, TLS: tlsConfig, Auth: authenticator, Engine: engine, Registry: registry, Log: log})
	if err != nil {
		return err
	}
	if err := front.Start(); err != nil {
		return err
	}
	defer front.Stop()

	mounts, ready := map[string]http.Handler{}, front.Reach
	if engine != nil {
		jobs := cron.New(cron.Options{Service: engine.Connect, Dial: jobSessions(front, service, inner), Log: log})
		if err := jobs.Start(ctx); err != nil {
			return err
		}
		defer jobs.Stop()
		api, err := rest.New(rest.Options{Connect: through(front, restURL(c, service)), Schemas: c.RESTSchemas, AnonRole: c.RESTAnonRole,
			JWTSecret: secret, Log: log})
		if err != nil {
			return err
		}
		if err := api.Start(ctx); err != nil {
			return err
		}
		defer api.Stop(context.Background())
		mounts["/rest/v1"] = api
		ready = func(ctx context.Context) error { return errors.Join(engine.Ready(ctx), api.Ready(ctx)) }
	}
	door := httpd.New(httpd.Options{Addr: c.HTTP, Mounts: mounts, Ready: ready, Registry: registry, Log: log})
	if err := door.Start(ctx); err != nil {
		return err
	}
	defer door.Stop(context.Background())
	log.Info("serving", zap.Stringer("sql", front.Addr()), zap.Stringers("addresses", front.Addrs()), zap.String("http", door.Addr()), zap.String("version", version()))
	var gone <-chan struct{}
	if private != nil {
		gone = private.Done()
	}
	select {
	case <-ctx.Done():
		log.Info("stopping")
		return nil
	case <-gone:
		return errors.New("the embedded Postgres has ended; its log is " + filepath.Join(c.Data, "postgres.log"))
	}
}

func startEngine(ctx context.Context, c conf.Config, service string, log *zap.Logger) (*exec.Engine, error) {
	library := c.ONNXRuntime
	if library == "" {
		library = text.FindLibrary(c.Data)
	}
	engine, err := exec.New(exec.Options{Service: service, Models: c.Models, Library: library, Log: log})
	if err != nil {
		return nil, err
	}
	if err := engine.Start(ctx); err != nil {
		engine.Stop()
		return nil, err
	}
	return engine, nil
}

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

// listenerTLS reads the certificate that clients see; nil where there is none.
func listenerTLS(c conf.Config) (*tls.Config, error) {
	if c.TLSCert == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("PGOWL_TLS_CERT, PGOWL_TLS_KEY: %w", err)
	}
	t := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"postgresql"}}
	if c.TLSCA != "" {
		pem, err := os.ReadFile(c.TLSCA)
		if err != nil {
			return nil, fmt.Errorf("PGOWL_TLS_CA: %w", err)
		}
		t.ClientCAs, t.ClientAuth = x509.NewCertPool(), tls.VerifyClientCertIfGiven
		if !t.ClientCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("PGOWL_TLS_CA: the file holds no certificate")
		}
		if c.TLSClient == "require" {
			t.ClientAuth = tls.RequireAndVerifyClientCert
		}
	}
	return t, nil
}

// jwtSecret gives the secret of REST's tokens. With the embedded server one is made at the first start, and shown.
func jwtSecret(c conf.Config, private bool, log *zap.Logger) (string, error) {
	if c.JWTSecret != "" || !private {
		return string(c.JWTSecret), nil
	}
	path := filepath.Join(c.Data, "jwt.secret")
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		data = []byte(randomSecret())
		err = os.WriteFile(path, data, 0o600)
	}
	if err != nil {
		return "", fmt.Errorf("secret of REST tokens: %w", err)
	}
	log.Info("REST tokens are signed with this secret (HS256)", zap.ByteString("secret", data), zap.String("kept in", path))
	return string(data), nil
}
