// Command pgowl is a Postgres proxy that gives an unmodified server PostgresML's functions, pg_cron's jobs and an HTTP API. This
// file and its neighbours are wiring; what is wired lives in the folders.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/pgowl/pgowl/conf"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Environ()); err != nil {
		fmt.Fprintln(os.Stderr, "pgowl: "+err.Error())
		os.Exit(1)
	}
}

// run does what the command line asks for, until it is done or ctx ends.
func run(ctx context.Context, args, environ []string) error {
	c, err := conf.Load(args, environ)
	if err != nil {
		return err
	}
	switch c.Command {
	case conf.Serve:
		return serve(ctx, c, args, environ)
	case conf.Init:
		return install(ctx, c)
	case conf.Models:
		return models(ctx, c)
	case conf.Doctor:
		return doctor(ctx, c)
	case conf.Version:
		fmt.Println("pgowl", version())
		return nil
	case conf.Help:
		fmt.Print(conf.Usage())
		return nil
	}
	return errors.New("unknown command")
}
