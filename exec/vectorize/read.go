package vectorize

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// body is what a row of the user's table holds now. A row that is not there has none, nor has one whose text is NULL.
type body struct {
	text string
	hash string // SHA-256 in hexadecimal; empty: there is no text
}

var errReader = wholeError{errors.New("the function pgowl_vectorize_N beside the table, by which PgOwl reads it, is not as pgml.vectorize made it, " +
	"or the table has been moved: call pgml.vectorize again")}

// bodies reads rows by their keys; with hashes their texts are left out.
func (k *Keeper) bodies(ctx context.Context, c *column, keys [][]string, hashes bool) ([]body, error) {
	asked, err := json.Marshal(keys)
	if err != nil {
		return nil, err
	}
	answer, err := k.ask(ctx, c, fmt.Sprintf("%s::json, NULL::text[], 0, %t", quote(string(asked)), hashes), readTime)
	if sqlState(err) == "57014" {
		return nil, wholeError{fmt.Errorf("%w: %w", errSlow, err)}
	}
	if err != nil {
		return nil, err
	}
	var found [][3]any
	if err := decode(answer, &found); err != nil {
		return nil, err
	}
	all := make([]body, len(keys))
	for _, f := range found {
		place, ok := f[0].(float64)
		hash, _ := f[2].(string) // NULL
		if !ok || place < 1 || int(place) > len(keys) || (hash != "" && len(hash) != 64) {
			return nil, errReader
		}
		text, _ := f[1].(string)
		all[int(place)-1] = body{text, hash}
	}
	return all, nil
}

// next reads the keys of so many rows after one, nil for the first.
func (k *Keeper) next(ctx context.Context, c *column, after []string, most int) ([][]string, error) {
	from := "NULL"
	if after != nil {
		texts := make([]string, len(after))
		for i, a := range after {
			texts[i] = quote(a)
		}
		from = "ARRAY[" + strings.Join(texts, ",") + "]"
	}
	answer, err := k.ask(ctx, c, fmt.Sprintf("NULL::json, %s::text[], %d, false", from, most), nextTime)
	if err != nil {
		return nil, err
	}
	var keys [][]string
	if err := decode(answer, &keys); err != nil {
		return nil, err
	}
	for _, key := range keys {
		if len(key) != len(c.types) {
			return nil, errReader
		}
	}
	return keys, nil
}

func decode(answer *string, to any) error {
	if answer == nil {
		return nil // no rows
	}
	if err := json.Unmarshal([]byte(*answer), to); err != nil {
		return errReader
	}
	return nil
}

// ask calls the reader. It is the table's owner's function, who may put another one in its place at any time, one that runs with the rights of its caller, which is
// us. So the call stands behind a comparison of the whole definition, in the same statement, and that statement is the second of its kind in the transaction:
// the first has brought all into the session's caches that the second needs, and as it opens no relation it takes no notice of changes in between. Both are sent as one
// string of the simple protocol, because a session that waits for its client may take in changes. A function that is IMMUTABLE is called by the planner already, before anything is compared: so
// the first statement calls none, whatever plan_cache_mode is (there are no parameters), and if another function is there it fails, a word being no number, and the second is not planned.
//
// What there is runs as the owner. It can write nothing, and nothing outlives the transaction, which is rolled back: no deferred trigger, no held cursor, no setting.
func (k *Keeper) ask(ctx context.Context, c *column, args string, most time.Duration) (*string, error) {
	conn, err := k.read.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{BeginQuery: fmt.Sprintf("BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; SET LOCAL statement_timeout = %d", most.Milliseconds())})
	if err != nil {
		return nil, err
	}
	defer tx.Rollback(context.WithoutCancel(ctx))
	same := fmt.Sprintf("pg_get_functiondef(%s::regprocedure) = %s", quote(c.reader.name+"(json,text[],integer,boolean)"), quote(c.reader.definition))
	results, err := tx.Conn().PgConn().Exec(ctx, fmt.Sprintf("SELECT (CASE WHEN %[1]s THEN '1' ELSE 'another' END)::integer, CASE WHEN false THEN %[2]s(NULL::json, NULL::text[], 0, false)::text END;"+
		"SELECT %[1]s, CASE WHEN %[1]s THEN %[2]s(%[3]s)::text END", same, c.reader.name, args)).ReadAll()
	switch state := sqlState(err); {
	case state == "42883", state == "22P02" && (len(results) == 0 || len(results[0].Rows) == 0): // undefined function, and no number
		return nil, errReader
	case state == "55P03": // a lock was not to be had
		return nil, fmt.Errorf("%w: %w", errBusy, err)
	case state != "":
		return nil, wholeError{fmt.Errorf("the table cannot be read: %w", err)}
	case err != nil:
		return nil, err
	}
	if len(results) != 2 || len(results[1].Rows) != 1 || len(results[1].Rows[0]) != 2 || string(results[1].Rows[0][0]) != "t" {
		return nil, errReader
	}
	answer := results[1].Rows[0][1]
	if answer == nil {
		return nil, nil
	}
	text := string(answer)
	return &text, nil
}

const (
	// readTime is how long the reading of a batch's rows may take. Where it takes longer, the next batch is a smaller one.
	readTime = 10 * time.Second
	// nextTime is the same for the reading of the next keys, which may have to pass many rows without a text.
	nextTime = time.Minute
)

// errSlow is a table whose rows were not read within readTime.
var errSlow = errors.New("reading rows takes too long")

// errBusy is a table that somebody has locked.
var errBusy = errors.New("the table is locked")

// quote writes a text as a literal: the sessions of the readers' pool have standard_conforming_strings on.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
