package vectorize

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// used is how long a backend has been on a processor.
func used(t *testing.T, conn *pgx.Conn) time.Duration {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", conn.PgConn().PID()))
	if err != nil {
		t.Skip(err)
	}
	var nanoseconds int64
	if _, err := fmt.Sscan(string(b), &nanoseconds); err != nil {
		t.Fatal(err)
	}
	return time.Duration(nanoseconds)
}

// TestCost prints what a vectorized column costs those who write, and the database where nothing happens. VECTORIZE_COST=1 runs it, another value those of
// its writers that hold it in their names.
func TestCost(t *testing.T) {
	if os.Getenv("VECTORIZE_COST") == "" {
		t.Skip("VECTORIZE_COST is not set")
	}
	w := open(t)
	w.run(w.me, "CREATE TABLE plain (id bigint PRIMARY KEY, body text, n int); CREATE TABLE docs (LIKE plain INCLUDING ALL)")
	w.run(w.me, "SELECT pgml.vectorize('docs', 'body'); SELECT pgml.vectorize_pause('docs', 'body')")
	loop := func(table, sql string) string {
		return "DO $$ BEGIN FOR i IN 1..2000 LOOP EXECUTE format('" + sql + "', '" + table + "', i); END LOOP; END $$"
	}
	// The processor time of the backend, in turns, the least of the rounds: the machine is not ours alone.
	for what, sql := range map[string]string{
		"2,000 inserts of a row":                     loop("TABLE", "INSERT INTO %s VALUES (%s, ''a text of some words that somebody wrote'', 1)"),
		"2,000 updates of a row's text":              loop("TABLE", "UPDATE %s SET body = body || ''!'' WHERE id = %s"),
		"2,000 updates of another column":            loop("TABLE", "UPDATE %s SET n = n + 1 WHERE id = %s"),
		"2,000 deletes of a row":                     loop("TABLE", "DELETE FROM %s WHERE id = %s"),
		"one insert of 100,000 rows":                 "INSERT INTO TABLE SELECT i, 'a text of some words that somebody wrote', 1 FROM generate_series(1, 100000) i",
		"one update of another column, 100,000 rows": "UPDATE TABLE SET n = n + 1",
		"one update of 100,000 texts":                "UPDATE TABLE SET body = body || '!'",
	} {
		if only := os.Getenv("VECTORIZE_COST"); only != "1" && !strings.Contains(what, only) {
			continue
		}
		least := map[string]time.Duration{}
		for range 3 {
			for _, table := range []string{"plain", "docs"} {
				w.run(w.super, "TRUNCATE "+w.alice+".plain; TRUNCATE "+w.alice+".docs; DELETE FROM pgml.vector_queue")
				rows := "2000"
				if what[:3] == "one" {
					rows = "100000"
				}
				if !strings.Contains(what, "insert") {
					w.run(w.super, "INSERT INTO "+w.alice+"."+table+" SELECT i, 'a text of some words that somebody wrote', 1 FROM generate_series(1, "+rows+") i")
				}
				straight := w.dial(w.as(w.alice))
				begun := used(t, straight)
				w.run(straight, strings.ReplaceAll(sql, "TABLE", table))
				if took := used(t, straight) - begun; least[table] == 0 || took < least[table] {
					least[table] = took
				}
				straight.Close(t.Context())
			}
		}
		t.Logf("%s: %v, without %v", what, least["docs"].Round(100*time.Microsecond), least["plain"].Round(100*time.Microsecond))
	}
	if os.Getenv("VECTORIZE_COST") != "1" {
		return
	}
	w.run(w.super, "TRUNCATE "+w.alice+".docs; DELETE FROM pgml.vector_queue")
	w.run(w.me, "SELECT pgml.vectorize_resume('docs', 'body')")
	w.settled()
	var worst, sum time.Duration
	for i := range 20 {
		begun := time.Now()
		w.run(w.me, "INSERT INTO docs VALUES ("+string(rune('1'+i/10))+string(rune('0'+i%10))+", 'a text')")
		w.settled()
		took := time.Since(begun)
		worst, sum = max(worst, took), sum+took
	}
	t.Logf("from a statement to its vector: %v on average, %v at worst", (sum / 20).Round(time.Millisecond), worst.Round(time.Millisecond))
	statements := func() string {
		w.run(w.super, "SELECT pg_sleep(1)")
		return w.ask(w.super, "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()")
	}
	before := statements()
	w.run(w.super, "SELECT pg_sleep(20)")
	t.Logf("transactions in 20 seconds in which nothing happens, with a column: %s to %s", before, statements())
	w.run(w.me, "SELECT pgml.unvectorize('docs', 'body')")
	w.run(w.super, "SELECT pg_sleep(15)")
	before = statements()
	w.run(w.super, "SELECT pg_sleep(20)")
	t.Logf("the same with nothing vectorized: %s to %s", before, statements())
	t.Logf("connections then: %s", w.ask(w.super, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgowl vectorize'"))
}
