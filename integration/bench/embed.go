package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/conf"
	"github.com/pgowl/pgowl/integration/child"
	"github.com/pgowl/pgowl/models/text"
	"github.com/pgowl/pgowl/models/text/tokenize"
)

// embedWidth is the width of the model's vectors.
const embedWidth = 384

// A precision is a way to compute the model, by the options that ask for it.
type precision struct {
	name   string
	kwargs string
	graph  string  // that the model's folder must have
	rival  string  // the peer that does no more than run the model, as fast as it can
	aim    float64 // of the rival's rate
	others map[string]float64
}

var precisions = []precision{
	{"fp32", "{}", "model.onnx", "ort", 0.95, map[string]float64{"fastembed": 2, "st": 1.8}},
	{"int8", `{"model_kwargs": {"file_name": "model_quantized.onnx"}}`, "model_quantized.onnx", "ort-int8", 0.9, nil},
	{"bf16", `{"model_kwargs": {"torch_dtype": "bfloat16"}}`, "model.onnx", "openvino-bf16", 0.9, map[string]float64{"fastembed": 3.5}},
}

// A contestant embeds all texts, so that nothing comes from a cache.
type contestant struct {
	name string
	run  func(ctx context.Context, round int) (embedTime, error)
	all  []embedTime
}

// embedding is what the measurements of the part share.
type embedding struct {
	o       options
	stage   *stage
	folder  string
	model   string // its folder
	texts   []string
	tokens  int
	step    int // each so manyeth text is in the sample that vectors are compared on
	owl     *owl
	conn    *pgx.Conn
	store   *text.Store // the engine, in this process and without a cache
	peers   map[string]*embedPeer
	contest []*contestant
	runs    int // of what must find no vector of an earlier one in the cache
}

// embedPart embeds a table's texts by one statement and by many sessions, and beside it by other libraries, in rounds.
func embedPart(ctx context.Context, s *stage, o options) error {
	e := &embedding{o: o, stage: s, peers: map[string]*embedPeer{}}
	defer e.close()
	if err := e.prepare(ctx); err != nil {
		return err
	}
	fmt.Printf("\nembed: %d texts of %d tokens, %s, %d processors\n", len(e.texts), e.tokens, embedder, runtime.NumCPU())
	for _, p := range precisions {
		if err := e.enter(ctx, p); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	e.add(sessionsName, e.bySessions)
	e.add(engineName, e.byEngine)
	for round := range o.rounds {
		for i := range e.contest {
			c := e.contest[(i+round)%len(e.contest)] // so that nobody always has the same one before him
			took, err := c.run(ctx, round)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			c.all = append(c.all, took)
		}
	}
	for _, c := range e.contest {
		line(c.name, "%s", e.rates(c.all))
	}
	if err := e.beside(ctx); err != nil {
		return err
	}
	own, err := e.latency(ctx)
	if err != nil {
		return err
	}
	fmt.Println("\n  the aims: how many times as fast, by the medians of the rounds; by processor time is what other work on the machine spares")
	e.judge(own)
	return nil
}

// The names of what is not one statement.
const (
	sessionsName = "PgOwl 32 sessions"
	engineName   = "engine"
)

// prepare makes the texts, and starts a PgOwl with the models, and the peers.
func (e *embedding) prepare(ctx context.Context) (err error) {
	if e.folder, err = os.MkdirTemp(e.stage.folder, "embed"); err != nil {
		return err
	}
	c, err := conf.Load([]string{"serve"}, child.WithoutPrefix(os.Environ(), "PGOWL_BENCH_"))
	if err != nil {
		return err
	}
	models := e.o.models
	if models == "" {
		models = c.Models
	}
	e.model = filepath.Join(models, embedder)
	if err := e.write(); err != nil {
		return err
	}
	b := breeds(e.o)[0]
	if e.owl, err = b.start(ctx, e.stage, "PGOWL_MODELS="+models); err != nil {
		return err
	}
	e.store = text.NewStore(text.StoreOptions{Dir: models, Library: libraryOf(c), Processors: text.Processors{OpenVINO: vinoOf(c)}})
	if e.conn, err = pgx.Connect(ctx, e.owl.url); err != nil {
		return err
	}
	for _, sql := range []string{
		"CREATE EXTENSION IF NOT EXISTS pgml",
		"CREATE TABLE texts (id int PRIMARY KEY, body text)",
		"CREATE TABLE embedded (id int, embedding real[])",
	} {
		if _, err := e.conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	_, err = e.conn.CopyFrom(ctx, pgx.Identifier{"texts"}, []string{"id", "body"}, pgx.CopyFromSlice(len(e.texts), func(i int) ([]any, error) { return []any{i, e.texts[i]}, nil }))
	return err
}

// write makes the texts, writes them for the peers, and counts their tokens.
func (e *embedding) write() error {
	var err error
	if e.texts, err = embedTexts(e.o.titles, e.o.texts); err != nil {
		return err
	}
	e.step = max(1, len(e.texts)/100)
	data, err := json.Marshal(e.texts)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(e.folder, "texts.json"), data, 0o600); err != nil {
		return err
	}
	if data, err = os.ReadFile(filepath.Join(e.model, "tokenizer.json")); err != nil {
		return fmt.Errorf("%w (make setup-bench brings it)", err)
	}
	tok, err := tokenize.Parse(data)
	if err != nil {
		return err
	}
	for _, t := range e.texts {
		e.tokens += len(tok.Append(nil, t, 256))
	}
	return nil
}

// sample gives each so manyeth text.
func (e *embedding) sample() (list []string) {
	for i := 0; i < len(e.texts); i += e.step {
		list = append(list, e.texts[i])
	}
	return list
}

// enter enters PgOwl and its peers for a precision, those that can be had, and says how far their vectors are from fp32's.
func (e *embedding) enter(ctx context.Context, p precision) error {
	if _, err := os.Stat(filepath.Join(e.model, "onnx", p.graph)); err != nil {
		fmt.Printf("  %s left out: the model's folder has no onnx/%s (make setup-bench brings one)\n", p.name, p.graph)
		return nil
	}
	reference, err := e.store.Embed(ctx, embedder, e.sample(), text.EmbedOptions{})
	if err != nil {
		return err
	}
	ours, err := e.stored(ctx, p)
	if err != nil {
		fmt.Printf("  PgOwl %s left out: %v\n", p.name, err)
	} else {
		e.add("PgOwl "+p.name, func(ctx context.Context, round int) (embedTime, error) { return e.byStatement(ctx, p, round) })
		line("PgOwl "+p.name, "cosine to the engine's fp32 %.6f at least", leastCosine(reference, ours))
	}
	for _, name := range peersOf(p) {
		if e.peers[name] != nil || !e.wanted(name) {
			continue
		}
		python, setting := e.o.embed, "PGOWL_BENCH_EMBEDDERS"
		if strings.HasPrefix(name, "st") {
			python, setting = e.o.torch, "PGOWL_BENCH_TORCH"
		}
		if python == "" {
			fmt.Printf("  %s left out: no Python that has it (%s)\n", name, setting)
			continue
		}
		peer, err := startEmbedPeer(python, name, e.model, e.folder, e.step)
		if err != nil {
			return err
		}
		if e.peers[name] = peer; peer.Missing != "" {
			fmt.Printf("  %s left out: %s\n", name, peer.Missing)
			continue
		}
		line(name, "%s, cosine to the engine's fp32 %.6f at least", peer.What, leastCosine(reference, peer.sample))
		e.add(name, peer.run)
	}
	return nil
}

// wanted tells whether a name is one of those that the command line wants.
func (e *embedding) wanted(name string) bool {
	return e.o.contest == "" || slices.Contains(strings.Split(e.o.contest, ","), name)
}

// add enters a contestant, if it is wanted.
func (e *embedding) add(name string, run func(ctx context.Context, round int) (embedTime, error)) {
	if e.wanted(name) {
		e.contest = append(e.contest, &contestant{name: name, run: run})
	}
}

// peersOf are the peers that a precision is compared with, and those that are there to be seen.
func peersOf(p precision) []string {
	switch p.name {
	case "fp32":
		return []string{"ort", "fastembed", "st"}
	case "bf16":
		return []string{"openvino-bf16", "st-bf16"}
	}
	return []string{p.rival}
}

// stored embeds the sample by a statement, so that the model is loaded, and reads what is stored.
func (e *embedding) stored(ctx context.Context, p precision) (list [][]float32, err error) {
	if _, err := e.conn.Exec(ctx, "TRUNCATE embedded"); err != nil {
		return nil, err
	}
	sql := fmt.Sprintf("INSERT INTO embedded SELECT id, pgml.embed('%s', body, '%s') FROM texts WHERE id %% %d = 0", embedder, p.kwargs, e.step)
	if _, err := e.conn.Exec(ctx, sql); err != nil {
		return nil, err
	}
	rows, err := e.conn.Query(ctx, "SELECT embedding FROM embedded ORDER BY id")
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[[]float32])
}

// byStatement embeds all texts by one INSERT ... SELECT. Blanks behind a text make another one, of the same tokens.
func (e *embedding) byStatement(ctx context.Context, p precision, round int) (embedTime, error) {
	if _, err := e.conn.Exec(ctx, "TRUNCATE embedded"); err != nil {
		return embedTime{}, err
	}
	sql := fmt.Sprintf("INSERT INTO embedded SELECT id, pgml.embed('%s', body || '%s', '%s') FROM texts", embedder, e.blanks(), p.kwargs)
	return e.spent(func() error {
		_, err := e.conn.Exec(ctx, sql)
		return err
	})
}

// blanks are others each time.
func (e *embedding) blanks() string {
	e.runs++
	return strings.Repeat(" ", e.runs)
}

// byEngine embeds all texts in this process.
func (e *embedding) byEngine(ctx context.Context, _ int) (embedTime, error) {
	return e.spent(func() error {
		_, err := e.store.Embed(ctx, embedder, e.texts, text.EmbedOptions{})
		return err
	})
}

// spent measures what something takes: of this process' time what is more than a waiting client's.
func (e *embedding) spent(f func() error) (took embedTime, err error) {
	server := e.stage.postgres.Pid()
	owl, postgres, own, start := threads(e.owl.pid()), family(server), processor(), time.Now()
	if err = f(); err != nil {
		return took, err
	}
	took.Seconds = time.Since(start).Seconds()
	took.Server = since(postgres, family(server)).cpu.Seconds()
	took.CPU = since(owl, threads(e.owl.pid())).cpu.Seconds() + took.Server + processor() - own
	return took, nil
}

func (e *embedding) close() {
	for _, p := range e.peers {
		p.stop()
	}
	if e.conn != nil {
		e.conn.Close(context.Background())
	}
	if e.store != nil {
		e.store.Close()
	}
	if e.owl != nil {
		e.owl.stop()
	}
}
