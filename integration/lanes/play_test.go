package lanes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// mode is how a statement is sent.
type mode struct {
	name     string
	extended bool
	format   int16 // of the results
}

var modes = []mode{{name: "simple"}, {"extended, text", true, 0}, {"extended, binary", true, 1}}

// statement is one of a case, with its parameters as text.
type statement struct {
	sql    string
	params [][]byte
}

// play runs a case's statements in a session of its own, inside a transaction that is rolled back unless the case is bare, and gives all that the client sees.
func play(t *testing.T, url string, c testCase, m mode) (log []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute) // only a hang takes that long
	defer cancel()
	config, err := pgconn.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		log = append(log, fmt.Sprintf("notice %s %s %s", n.Severity, n.Code, n.Message))
	}
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	exec := func(sql string) {
		if _, err := conn.Exec(ctx, sql).ReadAll(); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	if !c.bare {
		exec("BEGIN")
	}
	for _, s := range c.statements {
		if !c.bare {
			exec("SAVEPOINT before")
		}
		log = append(log, "> "+s.sql)
		if m.extended {
			log = append(log, extended(ctx, conn, s, m.format)...)
		} else {
			log = append(log, simple(ctx, conn, s.sql)...)
		}
		log = append(log, "transaction "+string(conn.TxStatus()))
		if !c.bare && conn.TxStatus() == 'E' {
			exec("ROLLBACK TO SAVEPOINT before")
		}
	}
	if !c.bare && conn.TxStatus() != 'I' {
		exec("ROLLBACK")
	}
	return log
}

func simple(ctx context.Context, conn *pgconn.PgConn, sql string) (log []string) {
	results := conn.Exec(ctx, sql)
	for results.NextResult() {
		log = append(log, result(results.ResultReader())...)
	}
	return failure(log, results.Close())
}

func extended(ctx context.Context, conn *pgconn.PgConn, s statement, format int16) (log []string) {
	described, err := conn.Prepare(ctx, "", s.sql, nil)
	if err != nil {
		return failure(nil, err)
	}
	log = append(log, fmt.Sprintf("parameters %d", described.ParamOIDs))
	r := conn.ExecPrepared(ctx, "", s.params, nil, []int16{format})
	lines := result(r)
	_, err = r.Close()
	return failure(append(log, lines...), err)
}

// result gives the columns, the rows and the tag of a result. Types of the users' own have other numbers in each database.
func result(r *pgconn.ResultReader) (log []string) {
	for _, f := range r.FieldDescriptions() {
		oid := f.DataTypeOID
		if oid >= 16384 {
			oid = 0
		}
		log = append(log, fmt.Sprintf("column %s type %d size %d modifier %d format %d attribute %d", f.Name, oid, f.DataTypeSize, f.TypeModifier, f.Format, f.TableAttributeNumber))
	}
	for r.NextRow() {
		// EXPLAIN ANALYZE tells of buffers from Postgres 18 on, without being asked.
		if v := r.Values(); len(v) == 1 && strings.HasPrefix(strings.TrimSpace(string(v[0])), "Buffers: ") {
			continue
		}
		var b strings.Builder
		b.WriteString("row")
		for _, v := range r.Values() {
			if v == nil {
				b.WriteString(" NULL")
			} else {
				fmt.Fprintf(&b, " %q", v)
			}
		}
		log = append(log, b.String())
	}
	tag, err := r.Close()
	if err == nil {
		log = append(log, "tag "+tag.String())
	}
	return log
}

// failure ends a log with an error, and drops the columns and rows before it: how many come is the plan's matter, and the batch's.
func failure(log []string, err error) []string {
	if err == nil {
		return log
	}
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return append(log, "broken: "+err.Error())
	}
	log = slices.DeleteFunc(log, func(line string) bool {
		return strings.HasPrefix(line, "column ") || strings.HasPrefix(line, "row") || strings.HasPrefix(line, "parameters ")
	})
	return append(log, fmt.Sprintf("%s %s %s | position %d | %s.%s.%s", e.Severity, e.Code, e.Message, e.Position, e.TableName, e.ColumnName, e.ConstraintName))
}

// difference tells the first line in which two logs differ, with the statement; "" where there is none.
func difference(want, got []string, ordered bool) string {
	if !ordered {
		want, got = sorted(want), sorted(got)
	}
	said := ""
	for i := range max(len(want), len(got)) {
		a, b := "(nothing)", "(nothing)"
		if i < len(want) {
			a = want[i]
		}
		if i < len(got) {
			b = got[i]
		}
		if a != b {
			return fmt.Sprintf("%s\n  want %s\n  got  %s", said, a, b)
		}
		if strings.HasPrefix(a, "> ") {
			said = a[2:]
		}
	}
	return ""
}

// sorted puts the rows of each result into an order.
func sorted(log []string) []string {
	log = slices.Clone(log)
	for i := 0; i < len(log); i++ {
		end := i
		for end < len(log) && strings.HasPrefix(log[end], "row") {
			end++
		}
		slices.Sort(log[i:end])
		i = max(i, end-1)
	}
	return log
}
