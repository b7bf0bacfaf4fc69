package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/pgowl/pgowl/conf"
	"github.com/pgowl/pgowl/exec/hub"
	"github.com/pgowl/pgowl/models/text"
)

// models is pgowl models pull, list, verify and rm.
func models(ctx context.Context, c conf.Config) error {
	command, names := c.Args[0], c.Args[1:]
	switch command {
	case "pull":
		if c.HubOffline {
			return errors.New("HF_HUB_OFFLINE is set: models are not fetched; put them into the model folder " + c.Models)
		}
		for _, name := range names {
			name, graph, _ := strings.Cut(name, ":")
			name, revision, _ := strings.Cut(name, "@")
			p := newProgress(os.Stdout)
			err := hub.Pull(ctx, hub.Options{Endpoint: c.HubEndpoint, Token: string(c.HubToken), Dir: c.Models, Name: name, Revision: revision, Graph: graph, Progress: p.show})
			p.end()
			if err != nil {
				return err
			}
		}
		return nil
	case "rm":
		for _, name := range names {
			if err := hub.Remove(c.Models, name); err != nil {
				return err
			}
		}
		return nil
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
	return list(c.Models, names)
}

// list prints a line a model: its name, size, and what was pulled.
func list(dir string, names []string) error {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, name := range names {
		m, err := hub.Describe(dir, name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		from := "not pulled by pgowl"
		if m.Revision != "" {
			from = strings.TrimSpace(m.Revision + " " + m.Commit)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", m.Name, megabytes(m.Bytes), from)
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
