package vectorize

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// One row of a column gets its vector between the batches of another column with a large backlog, of the same owner.
func TestABacklogIsNoQueueForOthers(t *testing.T) {
	w := open(t)
	w.run(w.me, `CREATE TABLE big (id int PRIMARY KEY, body text); CREATE TABLE small (id int PRIMARY KEY, body text);
		INSERT INTO big SELECT i, repeat('a text of some words that somebody wrote ', 5) || i FROM generate_series(1, 40000) i`)
	small := w.ask(w.me, "SELECT pgml.vectorize('small', 'body')")
	w.settled()
	big := w.ask(w.me, "SELECT pgml.vectorize('big', 'body')")
	w.await("SELECT rows_embedded > 0 FROM pgml.vectorized WHERE id = "+big, "true")
	var worst time.Duration
	for i := range 5 {
		// Batches of the other column, rather than time, which the machine's load may stretch. With jobs that take their time, there are dozens.
		before, begun := w.ask(w.super, "SELECT revision FROM pgml.vectorized WHERE id = "+big), time.Now()
		w.run(w.me, fmt.Sprintf("INSERT INTO small VALUES (%d, 'one')", i))
		w.await("SELECT rows_embedded FROM pgml.vectorized WHERE id = "+small, fmt.Sprint(i+1))
		worst = max(worst, time.Since(begun))
		if got := w.ask(w.super, "SELECT revision - "+before+" <= 8 FROM pgml.vectorized WHERE id = "+big); got != "true" {
			t.Errorf("so many batches of the other column were before a single row: %s", w.ask(w.super, "SELECT revision - "+before+" FROM pgml.vectorized WHERE id = "+big))
		}
	}
	t.Logf("from a statement to its vector: %v at worst, while %s rows of another column wait", worst.Round(time.Millisecond), w.ask(w.super, "SELECT 40000 - rows_embedded FROM pgml.vectorized WHERE id = "+big))
	// Jobs do not pile up.
	if got := w.ask(w.super, "SELECT count(*) <= 20 FROM pgowl.river_job WHERE state = 'available'"); got != "true" {
		t.Errorf("%s jobs wait", w.ask(w.super, "SELECT count(*) FROM pgowl.river_job WHERE state = 'available'"))
	}
}

// Nor do tables that take long to read, of an owner who may want just that, keep another owner's rows waiting.
func TestTablesThatAreSlowToRead(t *testing.T) {
	w := open(t)
	w.run(w.super, fmt.Sprintf("CREATE SCHEMA AUTHORIZATION %s; CREATE TABLE %[1]s.small (id int PRIMARY KEY, body text); ALTER TABLE %[1]s.small OWNER TO %[1]s", w.bob))
	bob := w.dial(w.as(w.bob))
	w.run(w.me, `CREATE TABLE naps (s float); INSERT INTO naps VALUES (0);
		CREATE FUNCTION nap(i int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(s) FROM `+w.alice+`.naps; RETURN i; END $$`)
	for i := range 6 {
		// Whoever plans a query of the table computes what the index's predicate holds.
		w.run(w.me, fmt.Sprintf("CREATE TABLE slow%d (id int PRIMARY KEY, body text); INSERT INTO slow%[1]d SELECT i, 'text' FROM generate_series(1, 200) i; CREATE INDEX ON slow%[1]d (id) WHERE id > nap(0)", i))
	}
	proxied := w.dial(strings.Replace(w.owl, w.alice, w.bob, 1))
	small := w.ask(proxied, "SELECT pgml.vectorize('small', 'body')")
	for i := range 6 {
		w.ask(w.me, fmt.Sprintf("SELECT pgml.vectorize('slow%d', 'body')", i))
	}
	w.run(w.me, "UPDATE naps SET s = 30")
	napping := "SELECT count(*) >= 2 FROM pg_stat_activity WHERE application_name = 'pgowl vectorize' AND datname = current_database() AND wait_event = 'PgSleep'"
	var worst time.Duration
	for i := range 4 {
		w.await(napping, "true")
		begun := time.Now()
		w.run(bob, fmt.Sprintf("INSERT INTO small VALUES (%d, 'one')", i))
		w.await("SELECT rows_embedded FROM pgml.vectorized WHERE id = "+small, fmt.Sprint(i+1))
		worst = max(worst, time.Since(begun))
	}
	t.Logf("from a statement to its vector: %v at worst, while two drainers read tables that take long", worst.Round(time.Millisecond))
	if worst > 9*time.Second { // the reading's limit is 10
		t.Errorf("a row has waited for %v", worst)
	}
	// It was nobody's fault, and goes on.
	w.run(w.me, "UPDATE naps SET s = 0")
	w.settled()
}

// Rows that together take longer to read than may be are read by fewer: that is no failure.
func TestRowsThatAreSlowToRead(t *testing.T) {
	w := open(t)
	w.run(w.me, `CREATE TABLE docs (id int PRIMARY KEY, body text);
		CREATE TYPE slow AS (v text);
		CREATE FUNCTION slow_text(slow) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1); RETURN ($1).v; END $$;
		CREATE CAST (slow AS text) WITH FUNCTION slow_text(slow);
		INSERT INTO docs SELECT i, 'text ' || i FROM generate_series(1, 12) i`)
	id := w.ask(w.me, "SELECT pgml.vectorize('docs', 'body')")
	w.settled()
	w.run(w.me, "ALTER TABLE docs ALTER body TYPE slow USING ROW(body || '!')::slow")
	w.await("SELECT (count(*) > 1) || ' ' || max(failures) FROM pgml.vectors_"+id+" v JOIN pgml.vectorized ON true WHERE v.body_hash = sha256(convert_to('text ' || v.k1 || '!', 'UTF8'))", "true 0")
	if got := w.ask(w.super, "SELECT error IS NULL FROM pgml.vectorized"); got != "true" {
		t.Errorf("it has failed: %s", w.ask(w.super, "SELECT error FROM pgml.vectorized"))
	}
}
