package vectorize

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"
)

// TestOracle changes tables at random through two proxies and around them while they are back-filled, then waits, and compares everything. VECTORIZE_CHANGES is how many changes each of four
// sessions makes, VECTORIZE_SEED repeats the choices.
func TestOracle(t *testing.T) {
	w := open(t)
	second, _ := w.proxy()
	number := func(name string, otherwise int) int {
		if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
			return n
		}
		return otherwise
	}
	seed, changes := uint64(number("VECTORIZE_SEED", int(time.Now().UnixNano()))), number("VECTORIZE_CHANGES", 150)
	t.Logf("VECTORIZE_SEED=%d", seed)
	w.run(w.me, "CREATE TABLE docs (id int PRIMARY KEY DEFERRABLE, other int UNIQUE NOT NULL, body text, num numeric NOT NULL UNIQUE)")
	w.refused(w.me, "42703", "SELECT pgml.vectorize('docs', 'none')")
	w.run(w.me, "INSERT INTO docs SELECT i, -i, 'row ' || i, i FROM generate_series(1, 1500) i")
	var wait sync.WaitGroup
	for n := range 4 {
		url := []string{w.owl, second, w.as(w.alice), second}[n]
		conn, dice := w.dial(url), rand.New(rand.NewPCG(seed, uint64(n)))
		wait.Go(func() {
			for i := range changes {
				row, text := dice.IntN(1600), fmt.Sprintf("session %d, change %d", n, i)
				sql := []string{
					"INSERT INTO docs VALUES (%[1]d, -%[1]d, '%[2]s', %[1]d) ON CONFLICT (other) DO UPDATE SET body = excluded.body",
					"UPDATE docs SET body = '%[2]s' WHERE id = %[1]d",
					"UPDATE docs SET body = '%[2]s' WHERE id BETWEEN %[1]d AND %[1]d + 20",
					"DELETE FROM docs WHERE id BETWEEN %[1]d AND %[1]d + 3",
					"UPDATE docs SET other = other * 10000 WHERE id = %[1]d",
					"UPDATE docs SET body = NULL WHERE id = %[1]d",
					"UPDATE docs SET body = 'A' WHERE id = %[1]d; UPDATE docs SET body = 'B' WHERE id = %[1]d; UPDATE docs SET body = 'A' WHERE id = %[1]d",
					"BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1; UPDATE docs SET body = '%[2]s' WHERE id = %[1]d; COMMIT",
					"BEGIN; UPDATE docs SET body = 'never' WHERE id > %[1]d; ROLLBACK",
					"UPDATE docs SET id = -id WHERE abs(id) = %[1]d",
				}[dice.IntN(10)]
				// Others may hold the row, and conflicts are part of the game.
				if _, err := conn.Exec(t.Context(), fmt.Sprintf(sql, row, text)); err != nil {
					conn.Exec(t.Context(), "ROLLBACK")
				}
			}
		})
	}
	id := w.ask(w.me, "SELECT pgml.vectorize('docs', 'body')") // while the others write
	wait.Wait()
	w.settled()
	w.same(id, w.alice+".docs", "other", "body")
	if got := w.ask(w.super, "SELECT count(*) FROM pgml.vectorize_errors"); got != "0" {
		t.Errorf("%s rows failed", got)
	}
	// Whoever has followed the revisions from the beginning has what there is.
	if got := w.ask(w.super, fmt.Sprintf("SELECT count(*) FROM pgml.vectors_gone g JOIN pgml.vectors_%s v USING (row_id) WHERE g.id = %[1]s", id)); got != "0" {
		t.Errorf("%s vectors that went are there", got)
	}
}
