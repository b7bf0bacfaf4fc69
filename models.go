package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/conf"
	"github.com/pgowl/pgowl/exec/hub"
	"github.com/pgowl/pgowl/exec/textmodels"
	"github.com/pgowl/pgowl/models/text"
)

// models is pgowl models pull, push, list, verify and rm.
func models(ctx context.Context, c conf.Config) error {
	command, names := c.Args[0], c.Args[1:]
	switch command {
	case "pull":
		return pull(ctx, c, names)
	case "push":
		return push(ctx, c, names)
	case "rm":
		return remove(ctx, c, names)
	}
	if len(names) == 0 {
		var err error
		if names, err = text.NewStore(text.StoreOptions{Dir: c.Models}).List(); err != nil {
			return err
		}
	}
	if command == "verify" {
		return verify(ctx, c.Models, names)
	}
	return list(ctx, c, names)
}

// pull brings models from the hub into the model folder.
func pull(ctx context.Context, c conf.Config, names []string) error {
	if c.HubOffline {
		return errors.New("HF_HUB_OFFLINE is set: models are not fetched; put them into the model folder " + c.Models)
	}
	whitelist, err := whitelist(ctx, c)
	if err != nil {
		return err
	}
	for _, name := range names {
		name, graph, _ := strings.Cut(name, ":")
		name, revision, _ := strings.Cut(name, "@")
		if err := hub.Allow(whitelist, name); err != nil {
			return err
		}
		p, fetched := newProgress(os.Stdout), false
		err := hub.Pull(ctx, hub.Options{Endpoint: c.HubEndpoint, Token: string(c.HubToken), Dir: c.Models, Name: name, Revision: revision, Graph: graph,
			Progress: func(file string, done, total int64) {
				fetched = true
				p.show(file, done, total)
			}})
		p.end()
		if err != nil {
			return err
		}
		if !fetched {
			fmt.Println(name, "is in the model folder already, as the hub has it")
		}
	}
	return nil
}

// whitelist is pgml.huggingface_whitelist as a session of the service connection sees it: what the operator has set for its role, its database or its server. Without a service connection
// nothing restricts who may run this. A list that cannot be read allows nothing.
func whitelist(ctx context.Context, c conf.Config) (list string, err error) {
	if c.Service == "" {
		return "", nil
	}
	err = inDatabase(ctx, c, "pull", func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT coalesce(current_setting('pgml.huggingface_whitelist', true), '')`).Scan(&list)
	})
	return list, err
}

// push puts models of the model folder into the database.
func push(ctx context.Context, c conf.Config, names []string) error {
	runtime, err := text.LoadRuntime(library(c))
	if err != nil {
		fmt.Fprintln(os.Stderr, "push: graphs are not opened before they are pushed:", err)
	}
	return inDatabase(ctx, c, "push", func(conn *pgx.Conn) error {
		for _, name := range names {
			name, graph, _ := strings.Cut(name, ":")
			p := newProgress(os.Stdout)
			changed, err := textmodels.Push(ctx, conn, textmodels.PushOptions{Dir: c.Models, Name: name, Graph: graph, Runtime: runtime, Progress: p.show})
			p.end()
			if err != nil {
				return fmt.Errorf("push: %w", err)
			}
			if !changed {
				fmt.Println(name, "is in the database already")
			}
		}
		return nil
	})
}

// remove takes models out of the model folder, or, behind --database, out of the database.
func remove(ctx context.Context, c conf.Config, names []string) error {
	if names[0] == "--database" {
		return inDatabase(ctx, c, "rm --database", func(conn *pgx.Conn) error {
			for _, name := range names[1:] {
				if err := textmodels.Remove(ctx, conn, name); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for _, name := range names {
		if err := hub.Remove(c.Models, name); err != nil {
			return err
		}
	}
	return nil
}

// inDatabase does something in the service connection's database.
func inDatabase(ctx context.Context, c conf.Config, what string, do func(conn *pgx.Conn) error) error {
	if c.Service == "" {
		return fmt.Errorf("%s: PGOWL_SERVICE is not set; it names the database, as in postgres://owner:password@host/database", what)
	}
	conn, err := pgx.Connect(ctx, string(c.Service))
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return do(conn)
}

// list prints a line for each place where a model is: its name, size, the place, and what was pulled.
func list(ctx context.Context, c conf.Config, names []string) error {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	some := false
	line := func(name string, bytes int64, place, revision, commit string) {
		some = true
		from := "not pulled by pgowl"
		if revision != "" {
			from = strings.TrimSpace(revision + " " + commit)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", name, megabytes(bytes), place, from)
	}
	for _, name := range names {
		m, err := hub.Describe(c.Models, name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		line(m.Name, m.Bytes, "folder", m.Revision, m.Commit)
	}
	if c.Service != "" {
		if err := inDatabase(ctx, c, "list", func(conn *pgx.Conn) error {
			shared, err := textmodels.List(ctx, conn)
			for _, m := range shared {
				line(m.Name, m.Bytes, "database", m.Revision, m.Commit)
			}
			return err
		}); err != nil {
			return errors.Join(table.Flush(), err)
		}
	}
	if !some {
		fmt.Fprintln(os.Stderr, "no model is in the model folder", c.Models)
	}
	return table.Flush()
}

// verify prints what is wrong with models, and fails if something is.
func verify(ctx context.Context, dir string, names []string) error {
	bad := 0
	for _, name := range names {
		wrong, err := hub.Verify(ctx, dir, name)
		switch {
		case errors.Is(err, hub.ErrNoReceipt):
			fmt.Printf("%s: %v\n", name, err)
		case err != nil:
			return err
		case len(wrong) == 0:
			fmt.Printf("%s: ok\n", name)
		default:
			bad++
			for _, w := range wrong {
				fmt.Printf("%s: %s\n", name, w)
			}
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d models are not what was pulled", bad, len(names))
	}
	return nil
}

// library is where ONNX Runtime's shared library is, as far as that is known.
func library(c conf.Config) string {
	if c.ONNXRuntime != "" {
		return c.ONNXRuntime
	}
	return text.FindLibrary(c.Data)
}
