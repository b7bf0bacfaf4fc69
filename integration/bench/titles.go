package main

import (
	"bufio"
	"compress/gzip"
	"context"
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// reference trains PyPI's XGBoost on the same vectors with the same parameters.
//
//go:embed reference.py
var reference string

const embedder = "all-MiniLM-L6-v2"

// settings that both train with: PgOwl's defaults (10 rounds, eta 0.3, depth 6, softprob), and more rounds.
var settings = []struct {
	name   string
	params string
	rounds int
}{
	{"defaults", `{}`, 10},
	{"100 rounds", `{"n_estimators": 100}`, 100},
}

// titles plays the tutorial's story on a file of titles: embed all, train on a random half, judge by the other half, and the same
// with PyPI's XGBoost.
func titles(ctx context.Context, s *stage, o options) error {
	fmt.Println("\ntitles: embed, train on a half, judge by the other half")
	if o.titles == "" {
		fmt.Println("  left out: no file of titles (PGOWL_BENCH_TITLES)")
		return nil
	}
	rows, err := readTitles(o.titles)
	if err != nil {
		return err
	}
	if o.limit > 0 {
		rows = rows[:min(len(rows), o.limit)]
	}
	c, err := pgx.Connect(ctx, s.owlURL())
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	for _, sql := range []string{
		"CREATE EXTENSION IF NOT EXISTS pgml",
		"CREATE TABLE titles (id int PRIMARY KEY, title text, is_clickbait boolean)",
		"CREATE TABLE vectors (id int, embedding real[], is_clickbait boolean)",
	} {
		if _, err := c.Exec(ctx, sql); err != nil {
			return err
		}
	}
	if _, err := c.CopyFrom(ctx, pgx.Identifier{"titles"}, []string{"id", "title", "is_clickbait"}, pgx.CopyFromRows(rows)); err != nil {
		return err
	}
	start := time.Now()
	if _, err := c.Exec(ctx, "INSERT INTO vectors SELECT id, pgml.embed('"+embedder+"', title), is_clickbait FROM titles"); err != nil {
		return err
	}
	rate(len(rows), "titles", "INSERT ... SELECT pgml.embed(title)", start)

	// A blank more makes another text, of the same tokens: no vector comes from a cache.
	start = time.Now()
	if err := drain(ctx, c, "SELECT pgml.embed('"+embedder+"', title || ' ') FROM titles"); err != nil {
		return err
	}
	rate(len(rows), "titles", "SELECT pgml.embed(title || ' '), nothing cached", start)
	start = time.Now()
	if err := drain(ctx, c, "SELECT pgml.embed('"+embedder+"', title || ' ') FROM titles"); err != nil {
		return err
	}
	rate(len(rows), "titles", "the same again, cached", start)
	return judge(ctx, s, o, c)
}

// judge trains on a half that a hash chooses, and counts right answers on the other one.
func judge(ctx context.Context, s *stage, o options, c *pgx.Conn) error {
	for _, sql := range []string{
		"CREATE TABLE half AS SELECT embedding, is_clickbait FROM vectors WHERE md5(id::text) < '8' ORDER BY md5(id::text)",
		// train wants to test on rows of both classes: a few copies at the end, so that it learns from the half and nothing else.
		`CREATE TABLE lesson AS SELECT * FROM half`,
		`INSERT INTO lesson (SELECT * FROM half WHERE is_clickbait LIMIT 10) UNION ALL (SELECT * FROM half WHERE NOT is_clickbait LIMIT 10)`,
		"CREATE TABLE other AS SELECT embedding, is_clickbait FROM vectors WHERE md5(id::text) >= '8' ORDER BY md5(id::text)",
	} {
		if _, err := c.Exec(ctx, sql); err != nil {
			return err
		}
	}
	var train, test int
	if err := c.QueryRow(ctx, "SELECT (SELECT count(*) FROM half), (SELECT count(*) FROM other)").Scan(&train, &test); err != nil {
		return err
	}
	line("rows to train on, to judge by", "%d, %d", train, test)
	for i, set := range settings {
		project := fmt.Sprintf("bench %d", i)
		start := time.Now()
		_, err := c.Exec(ctx, `SELECT * FROM pgml.train($1, 'classification', 'lesson', 'is_clickbait', 'xgboost',
			hyperparams => $2::text::jsonb, test_size => 20, test_sampling => 'last')`, project, set.params)
		if err != nil {
			return err
		}
		took := time.Since(start)
		start = time.Now()
		right, n, err := accuracy(ctx, c, project)
		if err != nil {
			return err
		}
		line("PgOwl, "+set.name, "accuracy %.4f  pgml.train %.2f s  predictions %.0f rows/s", right, took.Seconds(), float64(n)/time.Since(start).Seconds())
	}
	if o.python == "" {
		fmt.Println("  XGBoost left out: no Python that has it (PGOWL_BENCH_PYTHON)")
		return nil
	}
	for _, half := range []string{"half", "other"} {
		if err := export(ctx, c, half, filepath.Join(s.folder, half+".csv")); err != nil {
			return err
		}
	}
	for _, set := range settings {
		cmd := exec.CommandContext(ctx, o.python, "-c", reference, s.folder, fmt.Sprint(set.rounds))
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		line("XGBoost, "+set.name, "%s", strings.TrimSpace(string(out)))
	}
	return nil
}

func accuracy(ctx context.Context, c *pgx.Conn, project string) (right float64, n int, err error) {
	rows, err := c.Query(ctx, fmt.Sprintf("SELECT pgml.predict('%s', embedding), is_clickbait FROM other", project))
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	hits := 0
	for rows.Next() {
		var guess float32
		var truth bool
		if err := rows.Scan(&guess, &truth); err != nil {
			return 0, 0, err
		}
		n++
		if (guess == 1) == truth {
			hits++
		}
	}
	return float64(hits) / float64(n), n, rows.Err()
}

// export writes a table as CSV: the label, then the vector's numbers.
func export(ctx context.Context, c *pgx.Conn, table, path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = c.PgConn().CopyTo(ctx, f, "COPY (SELECT is_clickbait::int || ',' || array_to_string(embedding, ',') FROM "+table+") TO STDOUT")
	return err
}

// drain reads all rows and keeps none.
func drain(ctx context.Context, c *pgx.Conn, sql string) error {
	rows, err := c.Query(ctx, sql)
	if err != nil {
		return err
	}
	for rows.Next() {
	}
	return rows.Err()
}

func rate(n int, what, name string, start time.Time) {
	took := time.Since(start)
	line(name, "%.0f %s/s  (%d in %.2f s)", float64(n)/took.Seconds(), what, n, took.Seconds())
}

// readTitles reads the file: a head line, then title and 0 or 1.
func readTitles(path string) ([][]any, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var in io.Reader = bufio.NewReader(f)
	if strings.HasSuffix(path, ".gz") {
		if in, err = gzip.NewReader(in); err != nil {
			return nil, err
		}
	}
	records, err := csv.NewReader(in).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(records) < 2 {
		return nil, errors.New("no titles in " + path)
	}
	var rows [][]any
	for i, r := range records[1:] {
		if len(r) != 2 {
			return nil, fmt.Errorf("%s, record %d: not title,is_clickbait", path, i+2)
		}
		rows = append(rows, []any{i, r[0], r[1] == "1"})
	}
	return rows, nil
}
