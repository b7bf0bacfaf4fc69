package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/conf"
	"github.com/pgowl/pgowl/integration/child"
	"github.com/pgowl/pgowl/models/text"
)

// memorySteps is how often memory is looked at.
const memorySteps = 10

// embedMemory embeds very many short texts, all different, in turns by SELECT and by INSERT ... SELECT through a PgOwl with its cache, and then by the engine in this process
// without one, and says what memory each has meanwhile. It is flat if the last figures are no more than those before.
func embedMemory(ctx context.Context, s *stage, o options) error {
	fmt.Printf("\nembedmemory: %d texts of some 4 tokens, resident MB after each tenth\n", o.embeddings)
	c, err := conf.Load([]string{"serve"}, child.WithoutPrefix(os.Environ(), "PGOWL_BENCH_"))
	if err != nil {
		return err
	}
	models := o.models
	if models == "" {
		models = c.Models
	}
	p := precisions[0]
	if _, err := os.Stat(filepath.Join(models, embedder, "onnx", precisions[1].graph)); err == nil {
		p = precisions[1] // the faster one
	}
	owl, err := breeds(o)[0].start(ctx, s, "PGOWL_MODELS="+models)
	if err != nil {
		return err
	}
	defer owl.stop()
	conn, err := pgx.Connect(ctx, owl.url)
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	for _, sql := range []string{"CREATE EXTENSION IF NOT EXISTS pgml", "CREATE UNLOGGED TABLE IF NOT EXISTS many (embedding real[])"} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	if err := remember("PgOwl "+p.name+", cache", owl.pid(), o.embeddings, func(step, from, to int) error {
		sql := fmt.Sprintf("SELECT pgml.embed('%s', (i / 1000) || ' ' || (i %% 1000), '%s') FROM generate_series(%d, %d) i", embedder, p.kwargs, from, to-1)
		if step%2 == 0 {
			return drain(ctx, conn, sql)
		}
		if _, err := conn.Exec(ctx, "TRUNCATE many"); err != nil {
			return err
		}
		_, err := conn.Exec(ctx, "INSERT INTO many "+sql)
		return err
	}); err != nil {
		return err
	}
	options, err := text.ParseEmbedOptions(embedder, []byte(p.kwargs))
	if err != nil {
		return err
	}
	store := text.NewStore(text.StoreOptions{Dir: models, Library: libraryOf(c)})
	defer store.Close()
	return remember("engine "+p.name+", no cache", os.Getpid(), o.embeddings, func(_, from, to int) error {
		for ; from < to; from += 1000 {
			var texts []string
			for i := from; i < min(from+1000, to); i++ {
				texts = append(texts, fmt.Sprint(i/1000, " ", i%1000))
			}
			if _, err := store.Embed(ctx, embedder, texts, options); err != nil {
				return err
			}
		}
		return nil
	})
}

// remember has n texts embedded in steps, and prints what memory a process has after each.
func remember(name string, pid, n int, embed func(step, from, to int) error) error {
	var list []int
	for step := range memorySteps {
		if err := embed(step, step*n/memorySteps, (step+1)*n/memorySteps); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		all, _ := resident(pid)
		list = append(list, all/1024)
	}
	most := 0
	for _, mb := range list[1 : memorySteps/2] {
		most = max(most, mb)
	}
	line(name, "%v  the last is %+d MB on the most of the first half", list, list[memorySteps-1]-most)
	return nil
}
