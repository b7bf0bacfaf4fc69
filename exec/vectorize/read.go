package vectorize

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

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
	answer, err := k.ask(ctx, c, "$2::json, NULL::text[], 0, $3::boolean", string(asked), hashes)
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
	answer, err := k.ask(ctx, c, "NULL::json, $2::text[], $3::integer, false", after, most)
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
// the first has brought all into the session's caches that the second needs, and as it opens no relation it takes no notice of changes in between. What there is runs as the owner. It
// can write nothing, and nothing outlives the transaction, which is rolled back: no deferred trigger, no held cursor, no setting.
func (k *Keeper) ask(ctx context.Context, c *column, args string, values ...any) (*string, error) {
	conn, err := k.read.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly, IsoLevel: pgx.ReadCommitted})
	if err != nil {
		return nil, err
	}
	defer tx.Rollback(context.WithoutCancel(ctx))
	same := fmt.Sprintf("pg_get_functiondef('%s(json,text[],integer,boolean)'::regprocedure) = $1::text", quoteInner(c.reader.name))
	ask := func(call string, values ...any) (ok bool, answer *string, err error) {
		err = tx.QueryRow(ctx, fmt.Sprintf("SELECT %s, CASE WHEN %[1]s THEN %s END", same, call), append([]any{c.reader.definition}, values...)...).Scan(&ok, &answer)
		return ok, answer, err
	}
	ok, _, err := ask(fmt.Sprintf("CASE WHEN $1 IS NULL THEN %s(NULL::json, NULL::text[], 0, false)::text END", c.reader.name))
	if err == nil && !ok {
		return nil, errReader
	}
	var answer *string
	if err == nil {
		ok, answer, err = ask(fmt.Sprintf("%s(%s)::text", c.reader.name, args), values...)
	}
	switch state := sqlState(err); {
	case err == nil && !ok, state == "42883": // undefined function
		return nil, errReader
	case state == "55P03": // a lock was not to be had
		return nil, fmt.Errorf("%w: %w", errBusy, err)
	case state != "":
		return nil, wholeError{fmt.Errorf("the table cannot be read: %w", err)}
	}
	return answer, err
}

// errBusy is a table that somebody has locked.
var errBusy = errors.New("the table is locked")

// quoteInner doubles what would end a literal.
func quoteInner(name string) string {
	b := make([]byte, 0, len(name))
	for i := range len(name) {
		if name[i] == '\'' {
			b = append(b, '\'')
		}
		b = append(b, name[i])
	}
	return string(b)
}
