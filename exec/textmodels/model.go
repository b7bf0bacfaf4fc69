package textmodels

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgowl/pgowl/models/text/names"
)

// The limits of a model in the database.
const (
	partSize = 1 << 20  // bytes of a row
	maxFiles = 256      // of a model
	maxBytes = 64 << 30 // of all its files
	maxFile  = 32 << 30 // of one of them: a file has fewer than 2^31 parts
)

// Model is a model in the database.
type Model struct {
	Name     string
	Version  string // in hex; of its files' contents
	Revision string // that was pulled, and Commit what it was; both empty for a model that came in another way
	Commit   string
	Bytes    int64
	PushedBy string
}

// NotFoundError is a model that is not in the database.
type NotFoundError struct{ Name string }

func (e *NotFoundError) Error() string { return e.Name + " is not in the database" }

// modelFile is a file of a model.
type modelFile struct {
	path   string // with slashes
	size   int64
	sha256 []byte
}

// plainPath is what a file may be called, as the table's own check has it.
var plainPath = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._+-]*(/[A-Za-z0-9_][A-Za-z0-9._+-]*){0,4}$`)

// checkFiles refuses files that no model has: what stands in the tables may be anybody's to whom the owner has granted it.
func checkFiles(files []modelFile) (total int64, err error) {
	if len(files) == 0 || len(files) > maxFiles {
		return 0, fmt.Errorf("a model of %d files", len(files))
	}
	seen := map[string]bool{}
	for _, f := range files {
		switch {
		case !plainPath.MatchString(f.path) || len(f.path) > 200 || strings.Contains(f.path, "..") || seen[f.path]:
			return 0, fmt.Errorf("a model has a file named %.200q", f.path)
		case f.size < 0 || f.size > maxFile || len(f.sha256) != sha256.Size:
			return 0, fmt.Errorf("file %s has %d bytes", f.path, f.size)
		}
		seen[f.path] = true
		if total += f.size; total > maxBytes {
			return 0, fmt.Errorf("a model of more than %d bytes", int64(maxBytes))
		}
	}
	return total, nil
}

// versionOf is the sum of a model's files, whatever their order.
func versionOf(files []modelFile) string {
	files = slices.SortedFunc(slices.Values(files), func(a, b modelFile) int { return strings.Compare(a.path, b.path) })
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%s\x00%d\x00%x\n", f.path, f.size, f.sha256)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// sumOf reads a file for its size and sum.
func sumOf(ctx context.Context, name string) (size int64, sum []byte, err error) {
	in, err := os.Open(name)
	if err != nil {
		return 0, nil, err
	}
	defer in.Close()
	h := sha256.New()
	size, err = io.Copy(h, &cancelled{ctx, in})
	return size, h.Sum(nil), err
}

// cancelled reads until its context is done.
type cancelled struct {
	ctx context.Context
	in  io.Reader
}

func (c *cancelled) Read(b []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.in.Read(b)
}

// shortName is a model's name as the tables have it; what names no model stays as it is, and is found nowhere.
func shortName(name string) string {
	n, err := names.Parse(name)
	if err != nil {
		return name
	}
	return n.String()
}

// querier is a connection, a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// absent tells a database whose catalog has no such tables yet.
func absent(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == pgUndefinedTable || pg.Code == pgInvalidSchema)
}

// ErrNoCatalog says that a database has no tables for models.
var ErrNoCatalog = errors.New("the database has no tables for models: run pgowl init, or start pgowl serve")

const (
	pgUndefinedTable = "42P01"
	pgInvalidSchema  = "3F000"
)

// List gives the models in the database, in the order of their names. One without the catalog has none.
func List(ctx context.Context, q querier) ([]Model, error) {
	rows, err := q.Query(ctx, `SELECT name, version, revision, commit, bytes, pushed_by FROM pgml.text_models ORDER BY name`)
	var list []Model
	if err == nil {
		list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Model])
	}
	if absent(err) {
		return nil, nil
	}
	return list, err
}

// lock keeps two pushes or removals of a model from each other until the transaction ends.
func lock(ctx context.Context, tx pgx.Tx, name string) error {
	_, err := tx.Exec(ctx, `SELECT pg_catalog.pg_advisory_xact_lock(1886482804, pg_catalog.hashtext($1))`, name) // "pgmt"
	return err
}

// Remove takes a model out of the database. Errors: *names.Error, *NotFoundError, the database's.
func Remove(ctx context.Context, conn *pgx.Conn, name string) error {
	n, err := names.Parse(name)
	if err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if err := lock(ctx, tx, n.String()); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `DELETE FROM pgml.text_models WHERE name = $1`, n.String())
		if err == nil && tag.RowsAffected() == 0 {
			err = &NotFoundError{Name: n.String()}
		}
		return err
	})
}
