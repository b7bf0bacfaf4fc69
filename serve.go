package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/pgowl/pgowl/conf"
	"github.com/pgowl/pgowl/exec"
	"github.com/pgowl/pgowl/exec/cron"
	"github.com/pgowl/pgowl/exec/embedded"
	"github.com/pgowl/pgowl/exec/httpd"
	"github.com/pgowl/pgowl/exec/rest"
	"github.com/pgowl/pgowl/models/text"
	"github.com/pgowl/pgowl/proxy"
	"github.com/pgowl/pgowl/proxy/auth"
	"github.com/pgowl/pgowl/proxy/pool"
	"github.com/pgowl/pgowl/proxy/sockets"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.uber.org/zap"
)

// serve runs the proxy and what belongs to it until a signal ends it; before it serves, the end of ctx does. Parts are started in the
// order that they need each other in, and stopped in the opposite one.
func serve(ctx context.Context, c conf.Config, args, environ []string) error {
	orders := make(chan os.Signal, 8)
	signal.Notify(orders, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR2)
	defer signal.Stop(orders)
	starting := ctx
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // what has started goes on while sessions finish
	defer cancel()
	started := context.AfterFunc(starting, cancel)

	set, err := sockets.Inherit()
	if err != nil {
		return err
	}
	log, level, err := logger(c)
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
		if engine, err = startEngine(ctx, c, service, registry, log); err != nil {
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
	front, err := proxy.New(proxy.Options{
		Address: c.Listen, Sockets: set, TLS: tlsConfig, Auth: authenticator, Limits: limits(c),
		Upstream: upstream, Service: service, Inner: inner,
		Pool:   pool.Options{Mode: pool.Mode(c.Pool), Size: c.PoolSize, Idle: c.PoolIdle, Wait: c.PoolWait},
		Driver: c.Driver, Engine: engine, Registry: registry, Log: log, LogConnections: c.LogConnections,
	})
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
		ready = func(ctx context.Context) error {
			if front.Draining() {
				return errors.New("shutting down")
			}
			return errors.Join(engine.Ready(ctx), api.Ready(ctx))
		}
	}
	doors, err := set.Listen(ctx, sockets.HTTP, c.HTTP)
	if err != nil {
		return err
	}
	door := httpd.New(httpd.Options{Listener: doors[0], Mounts: mounts, Ready: ready, Registry: registry, Log: log})
	if err := door.Start(ctx); err != nil {
		return err
	}
	defer door.Stop(context.Background())
	if !started() {
		return nil // told to end before it served
	}
	log.Info("serving", zap.Stringer("sql", front.Addr()), zap.Stringers("addresses", front.Addrs()), zap.String("http", door.Addr()),
		zap.String("version", version()), zap.Int("pid", os.Getpid()))
	set.Ready()
	w := &watch{conf: c, args: args, environ: environ, sockets: set, private: private, auth: authenticator, front: front, door: door, log: log, level: level}
	return w.until(orders)
}

func startEngine(ctx context.Context, c conf.Config, service string, registry prometheus.Registerer, log *zap.Logger) (*exec.Engine, error) {
	vino := c.OpenVINO
	if vino == "" {
		vino = text.FindOpenVINO(c.Data)
	}
	engine, err := exec.New(exec.Options{Service: service, Models: c.Models, Library: library(c), OpenVINO: vino, Runtime: c.TextRuntime, Measured: filepath.Join(c.Data, "measured.json"), SQLNodes: c.SQLNodes, ModelBytes: c.ModelMemory, TextBytes: c.TextMemory, SearchBytes: c.SearchMemory, Device: c.TextDevice, Precision: c.TextPrecision, Warm: c.WarmModels, Vectorize: c.Vectorize, Registry: registry, Log: log})
	if err != nil {
		return nil, err
	}
	if err := engine.Start(ctx); err != nil {
		engine.Stop()
		return nil, err
	}
	return engine, nil
}
