package vectorize

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgowl/pgowl/integration/story"
)

// The chapter of make demo on search, as the owner of the table and no superuser.
func TestStory(t *testing.T) {
	w := open(t)
	w.run(w.me, "CREATE TABLE titles (title text NOT NULL, is_clickbait integer NOT NULL)")
	headlines, err := os.Open(filepath.Join("..", "..", filepath.FromSlash(story.Headlines)))
	if err != nil {
		t.Fatal(err)
	}
	defer headlines.Close()
	if _, err := w.me.PgConn().CopyFrom(t.Context(), headlines, "COPY titles FROM STDIN WITH (FORMAT csv, HEADER)"); err != nil {
		t.Fatal(err)
	}
	for _, step := range story.Search() {
		got := w.rows(w.me, step.Text)
		for deadline := time.Now().Add(patience); step.Kind == story.Wait && !step.Want.MatchString(got) && time.Now().Before(deadline); got = w.rows(w.me, step.Text) {
			w.run(w.super, "SELECT pg_sleep(0.05)")
		}
		if step.Want != nil && !step.Want.MatchString(got) {
			t.Fatalf("%s: got %s, want %s", step.Text, got, step.Want)
		}
	}
}

// rows gives a query's rows as psql -At writes them.
func (w *world) rows(conn *pgx.Conn, sql string) string {
	w.t.Helper()
	rows, err := conn.Query(w.t.Context(), sql)
	if err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
	defer rows.Close()
	var lines []string
	for rows.Next() {
		var fields []string
		for _, value := range rows.RawValues() { // of the simple protocol: texts
			fields = append(fields, string(value))
		}
		lines = append(lines, strings.Join(fields, "|"))
	}
	if rows.Err() != nil {
		w.t.Fatalf("%s: %v", sql, rows.Err())
	}
	return strings.Join(lines, "\n")
}
