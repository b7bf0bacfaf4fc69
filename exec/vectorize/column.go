package vectorize

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/models/text"
	"github.com/pgowl/pgowl/models/text/chunk"
)

// column is a vectorized column as a batch sees it.
type column struct {
	id       int64
	relation uint32
	table    string   // of the vectors, quoted
	types    []string // of the key
	model    string
	revision string // of the model; empty: it could not be told
	options  text.EmbedOptions
	splitter *chunk.Splitter // nil: none
	dims     int
	reader   reader

	rewritten bool // what its rows are may be other than what statements have made of them
	backfill  string
	failures  int
}

// reader is a function of the table's owner (pgowl.vectorize_reader).
type reader struct {
	name       string // quoted, with its schema
	definition string // what pg_get_functiondef must say
}

// wholeError is trouble with a column that no single row is to blame for.
type wholeError struct{ error }

func (e wholeError) Unwrap() error { return e.error }

var errRemoved = errors.New("the column is not vectorized any more")

// load reads a column. The error is errRemoved where there is nothing to do for it, and a wholeError where it cannot be done.
func load(ctx context.Context, tx pgx.Tx, id int64) (*column, error) {
	c := &column{id: id, table: fmt.Sprintf("pgml.vectors_%d", id)}
	// Before anything else is locked: see pgowl.vectorize_drop. And before anything is read: whoever has that table changes nothing under a batch that is under way.
	if _, err := tx.Exec(ctx, "LOCK TABLE "+c.table+" IN ROW EXCLUSIVE MODE"); sqlState(err) == "42P01" {
		return nil, errRemoved
	} else if err != nil {
		return nil, err
	}
	var kwargs, chunkKwargs []byte
	var splitter, schema, definition, trouble *string
	var exists bool
	err := tx.QueryRow(ctx, `SELECT v.relation_oid, pgowl.vectorize_types(v.key_types), v.model, coalesce(v.model_revision, ''), v.kwargs::text, v.splitter, v.chunk_kwargs::text, v.dims, v.backfill, v.failures,
			(v.filenode, v.body_type, v.body_typmod) IS DISTINCT FROM (c.relfilenode, (SELECT a.atttypid::regtype FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = v.body_attnum),
				(SELECT a.atttypmod FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = v.body_attnum)),
			c.oid IS NOT NULL, quote_ident(n.nspname), pgowl.vectorize_reader(v.id), pgowl.vectorize_trouble(v.id)
		FROM pgml.vectorized v LEFT JOIN pg_class c ON c.oid = v.relation LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE v.id = $1 AND v.state = 'active' AND (v.retry_at IS NULL OR v.retry_at <= clock_timestamp())`, id).
		Scan(&c.relation, &c.types, &c.model, &c.revision, &kwargs, &splitter, &chunkKwargs, &c.dims, &c.backfill, &c.failures,
			&c.rewritten, &exists, &schema, &definition, &trouble)
	switch {
	case errors.Is(err, pgx.ErrNoRows) || err == nil && !exists:
		return nil, errRemoved
	case err != nil:
		return nil, err
	}
	switch {
	case trouble != nil:
		return nil, wholeError{errors.New(*trouble)}
	case definition == nil: // the table was dropped just now
		return nil, errRemoved
	}
	c.reader = reader{name: fmt.Sprintf("%s.pgowl_vectorize_%d", *schema, id), definition: *definition}
	if c.options, err = text.ParseEmbedOptions(c.model, kwargs); err != nil {
		return nil, wholeError{err}
	}
	if splitter != nil {
		if c.splitter, err = chunk.New(*splitter, chunkKwargs); err != nil {
			return nil, wholeError{err}
		}
	}
	return c, nil
}

// each writes a list of an item for each column of the key, with # for its number, from 1, and TYPE for its type.
func (c *column) each(item string) string {
	all := make([]string, len(c.types))
	for i, t := range c.types {
		all[i] = strings.NewReplacer("#", fmt.Sprint(i+1), "TYPE", t).Replace(item)
	}
	return strings.Join(all, ", ")
}

// all is each with AND between the items.
func (c *column) all(item string) string {
	return strings.ReplaceAll(c.each(item), ", ", " AND ")
}

// keyed gives the arguments of a statement over keys: an array for each column of the key, as texts.
func (c *column) keyed(keys [][]string) []any {
	args := make([]any, len(c.types))
	for i := range c.types {
		values := make([]string, len(keys))
		for n, key := range keys {
			values[n] = key[i]
		}
		args[i] = values
	}
	return args
}
