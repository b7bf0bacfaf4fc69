package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/zap"

	"github.com/pgowl/pgowl/exec/catalog"
	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/integration/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// database is an empty database with the registry in it, owned by a role that is no superuser, and a role alice that may log in.
type database struct {
	tb           testing.TB
	url          string
	owner, alice string
	admin        *pgx.Conn
}

func newDatabase(tb testing.TB) *database {
	tb.Helper()
	d := &database{tb: tb, url: pgtest.Database(tb)}
	d.admin = d.connect("postgres")
	var name string
	if err := d.admin.QueryRow(tb.Context(), "SELECT current_database()").Scan(&name); err != nil {
		tb.Fatal(err)
	}
	d.owner, d.alice = "owner_"+name, "alice \""+name
	d.sql("CREATE ROLE " + d.owner + " LOGIN")
	d.sql("GRANT CREATE ON DATABASE " + name + " TO " + d.owner)
	d.sql("CREATE ROLE " + quote(d.alice) + " LOGIN")
	d.sql("GRANT CREATE ON SCHEMA public TO " + quote(d.alice))
	tb.Cleanup(func() {
		d.sql("DROP OWNED BY " + d.owner + ", " + quote(d.alice) + " CASCADE")
		d.sql("DROP ROLE " + d.owner + ", " + quote(d.alice))
	})
	conn := d.connect(d.owner)
	if _, err := catalog.Migrate(tb.Context(), conn, zap.NewNop()); err != nil {
		tb.Fatal(err)
	}
	return d
}

func (d *database) connect(user string) *pgx.Conn {
	d.tb.Helper()
	u, err := url.Parse(d.url)
	if err != nil {
		d.tb.Fatal(err)
	}
	u.User = url.User(user)
	conn, err := pgx.Connect(d.tb.Context(), u.String())
	if err != nil {
		d.tb.Fatal(err)
	}
	d.tb.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// sql runs statements as the superuser.
func (d *database) sql(text string) {
	d.tb.Helper()
	if _, err := d.admin.Exec(context.Background(), text); err != nil {
		d.tb.Fatalf("%s: %v", text, err)
	}
}

// value reads one value as text.
func (d *database) value(sql string) string {
	d.tb.Helper()
	var v *string
	if err := d.admin.QueryRow(d.tb.Context(), "SELECT ("+sql+")::text").Scan(&v); err != nil {
		d.tb.Fatalf("%s: %v", sql, err)
	}
	if v == nil {
		return "NULL"
	}
	return *v
}

// session is function.Session over one connection in a transaction, as the call lane does it: each statement runs as the
// role that it is for, and the owner's with a search_path that nobody else can write to.
type session struct {
	d        *database
	tx       pgx.Tx
	messages []string
	piece    int // bytes in a piece of a stream
}

func (d *database) begin() *session {
	d.tb.Helper()
	conn := d.connect("postgres")
	tx, err := conn.Begin(d.tb.Context())
	if err != nil {
		d.tb.Fatal(err)
	}
	d.tb.Cleanup(func() { conn.Close(context.Background()) })
	return &session{d: d, tx: tx, piece: 1009}
}

var _ function.Session = (*session)(nil)

func (s *session) become(ctx context.Context, as function.Role) error {
	role, path := s.d.alice, "public"
	if as == function.Owner {
		role, path = s.d.owner, "pg_catalog, pg_temp"
	}
	_, err := s.tx.Exec(ctx, "SET LOCAL ROLE "+quote(role)+"; SET LOCAL search_path = "+path, pgx.QueryExecModeSimpleProtocol)
	return err
}

func (s *session) Query(ctx context.Context, as function.Role, sql string, args map[string]any) (json.RawMessage, error) {
	if err := s.become(ctx, as); err != nil {
		return nil, err
	}
	text, err := json.Marshal(args)
	if err != nil {
		return nil, err
	}
	var rows string
	err = s.tx.QueryRow(ctx, fmt.Sprintf("WITH parameter AS (SELECT $1::jsonb), q AS (%s) SELECT coalesce(pg_catalog.json_agg(q), '[]')::text FROM q", sql), string(text)).Scan(&rows)
	return json.RawMessage(rows), err
}

func (s *session) Exec(ctx context.Context, as function.Role, sql string) error {
	if err := s.become(ctx, as); err != nil {
		return err
	}
	_, err := s.tx.Exec(ctx, sql)
	return err
}

func (s *session) Stream(ctx context.Context, as function.Role, sql string, each func([]byte) error) error {
	if err := s.become(ctx, as); err != nil {
		return err
	}
	rows, err := s.tx.Query(ctx, sql)
	if err != nil {
		return err
	}
	defer rows.Close()
	var buffer []byte
	for rows.Next() {
		buffer = append(buffer, rows.RawValues()[0]...)
		for len(buffer) >= s.piece {
			if err := each(buffer[:s.piece]); err != nil {
				return err
			}
			buffer = buffer[:copy(buffer, buffer[s.piece:])]
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return each(buffer)
}

func (s *session) Message(severity function.Severity, text string) {
	s.messages = append(s.messages, string(severity)+": "+text)
}

func (s *session) Server() int { return 150000 }

func (s *session) Ahead() any { return nil }

// commit ends the transaction.
func (s *session) commit() {
	s.d.tb.Helper()
	if err := s.tx.Commit(s.d.tb.Context()); err != nil {
		s.d.tb.Fatal(err)
	}
}

// code gives an error's SQLSTATE and message.
func code(err error) string {
	var ours *function.Error
	var servers *pgconn.PgError
	switch {
	case err == nil:
		return "no error"
	case errors.As(err, &ours):
		return ours.Code + " " + ours.Message
	case errors.As(err, &servers):
		return servers.Code + " " + servers.Message
	}
	return err.Error()
}

// told says whether a message was sent.
func (s *session) told(start string) bool {
	for _, m := range s.messages {
		if strings.HasPrefix(m, start) {
			return true
		}
	}
	return false
}
