package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/integration/pgtest"
)

// editors is how many sessions write into the vectorized table.
const editors = 32

// TestVectorizeUnderKills has sessions insert, update and delete rows of a vectorized table, and embed, through two PgOwls, one of which is killed and started again all the time: as a
// power failure would, in the middle of statements, of batches, of back-filling. In the end each row has the vectors of its text, and nothing has any besides. FAULT_VECTORIZE is how
// often, FAULT_SEED repeats the choices (not the moments).
func TestVectorizeUnderKills(t *testing.T) {
	if os.Getenv("PGOWL_MODELS") == "" || os.Getenv("PGOWL_ONNXRUNTIME") == "" {
		t.Skip("needs a model: eval \"$(bin/setup -env)\"")
	}
	count := number("FAULT_VECTORIZE", 3)
	seed := uint64(number("FAULT_SEED", int(time.Now().UnixNano())))
	t.Logf("FAULT_SEED=%d", seed)
	dice := rand.New(rand.NewPCG(seed, 0))
	url := pgtest.Start(t, pgtest.Setting("max_connections", "600")).Database(t)
	direct := connect(t, url)
	must := func(sql string) {
		t.Helper()
		if _, err := direct.Exec(context.Background(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	ask := func(sql string) (text string) {
		t.Helper()
		if err := direct.QueryRow(context.Background(), "SELECT ("+sql+")::text").Scan(&text); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		return text
	}
	environment := []string{"PGOWL_MODELS=" + os.Getenv("PGOWL_MODELS"), "PGOWL_ONNXRUNTIME=" + os.Getenv("PGOWL_ONNXRUNTIME")}
	var mu sync.Mutex
	var owls [2]*owl
	for i := range owls {
		owls[i] = launch(t, url, environment...)
	}
	must("CREATE TABLE docs (id bigint PRIMARY KEY, body text); INSERT INTO docs SELECT i, 'row ' || i FROM generate_series(1, 3000) i; ANALYZE docs")
	first := connect(t, through(url, owls[0].sql))
	if _, err := first.Exec(context.Background(), "SELECT pgml.vectorize('docs', 'body', model => 'all-MiniLM-L6-v2')"); err != nil {
		t.Fatal(err)
	}
	first.Close(context.Background())
	id := ask("SELECT id FROM pgml.vectorized")

	var done, lost, embeds atomic.Int64
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var sessions sync.WaitGroup
	defer sessions.Wait()
	defer stop()
	for n := range editors {
		e := &editor{T: t, n: n, dice: rand.New(rand.NewPCG(seed, uint64(n+1))), done: &done, lost: &lost, embeds: &embeds}
		sessions.Go(func() {
			for ctx.Err() == nil {
				mu.Lock()
				address := owls[n%2].sql
				mu.Unlock()
				e.session(ctx, through(url, address))
			}
		})
	}
	for i := range count {
		time.Sleep(time.Duration(100+dice.IntN(1500)) * time.Millisecond) // a moment of no meaning
		which := dice.IntN(2)
		owls[which].kill()
		next := launch(t, url, environment...)
		mu.Lock()
		owls[which] = next
		mu.Unlock()
		if (i+1)%10 == 0 {
			t.Logf("%d kills, %d transactions, %d waiting", i+1, done.Load(), whole(ask("SELECT count(*) FROM pgml.vector_queue")))
		}
	}
	stop()
	sessions.Wait()
	begun := time.Now()
	for deadline := begun.Add(5 * time.Minute); ask("SELECT (SELECT count(*) FROM pgml.vector_queue) + (SELECT count(*) FROM pgml.vectorized WHERE backfill <> 'done')") != "0"; must("SELECT pg_sleep(0.1)") {
		if time.Now().After(deadline) {
			t.Fatalf("not settled: %s", ask("SELECT json_agg(s) FROM pgml.vectorize_status s"))
		}
	}
	t.Logf("%d kills, %d transactions of %d sessions (%d ended with their proxy), %d texts embedded by them; settled after %v: %s", count, done.Load(), editors, lost.Load(), embeds.Load(),
		time.Since(begun).Round(time.Millisecond), ask("SELECT json_build_object('rows', rows_embedded, 'vectors', vectors, 'revision', revision) FROM pgml.vectorized"))
	for what, sql := range map[string]string{
		"rows without a vector":   "SELECT count(*) FROM docs d WHERE body IS NOT NULL AND NOT EXISTS (SELECT FROM pgml.vectors_ID v WHERE v.k1 = d.id)",
		"vectors without a row":   "SELECT count(*) FROM pgml.vectors_ID v WHERE NOT EXISTS (SELECT FROM docs d WHERE v.k1 = d.id AND body IS NOT NULL)",
		"vectors of another text": "SELECT count(*) FROM pgml.vectors_ID v JOIN docs d ON v.k1 = d.id WHERE v.body_hash <> sha256(convert_to(d.body, 'UTF8'))",
		"rows miscounted":         "SELECT abs(rows_embedded - (SELECT count(DISTINCT k1) FROM pgml.vectors_ID)) + abs(vectors - (SELECT count(*) FROM pgml.vectors_ID)) FROM pgml.vectorized",
		"rows given up":           "SELECT count(*) FROM pgml.vectorize_failed",
	} {
		if got := ask(strings.ReplaceAll(sql, "ID", id)); got != "0" {
			t.Errorf("%s %s", got, what)
		}
	}
	// The vectors themselves, of a sample, as the engine makes them now.
	last := connect(t, through(url, owls[0].sql))
	var worst float64
	if err := last.QueryRow(context.Background(), fmt.Sprintf(`SELECT min(pgml.cosine_similarity(x.embedding, x.now)) FROM (
		SELECT v.embedding, pgml.embed('all-MiniLM-L6-v2', d.body) AS now FROM pgml.vectors_%s v JOIN docs d ON d.id = v.k1 ORDER BY md5(v.k1::text) LIMIT 1000) x`, id)).Scan(&worst); err != nil {
		t.Fatal(err)
	}
	if worst < 0.99999 {
		t.Errorf("a vector's cosine to its text's is %v", worst)
	}
}

func whole(text string) (n int) {
	fmt.Sscan(text, &n)
	return n
}

// editor is a client that changes rows at random.
type editor struct {
	*testing.T
	n                  int
	dice               *rand.Rand
	made               int
	done, lost, embeds *atomic.Int64
}

// session connects and works until its connection ends.
func (e *editor) session(ctx context.Context, url string) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		e.Error(err)
		return
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	config.ConnectTimeout = 5 * time.Second
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return // the proxy is gone
	}
	defer conn.Close(context.Background())
	for ctx.Err() == nil {
		sql := e.change()
		one, cancel := context.WithTimeout(context.Background(), patience)
		_, err := conn.Exec(one, sql)
		cancel()
		switch {
		case err == nil:
			e.done.Add(1)
		case conn.IsClosed():
			e.lost.Add(1)
			return
		case code(err) == "40P01" || code(err) == "40001" || code(err) == "23505": // deadlock, serialization, duplicate
			conn.Exec(context.Background(), "ROLLBACK")
		default:
			e.lost.Add(1)
			if c := code(err); len(c) == 5 && c[:2] != "57" && c[:2] != "08" && c[:2] != "58" {
				e.Errorf("%s: %v", sql, err)
			}
			return
		}
		// Not faster than two processors can embed.
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(e.dice.IntN(150)) * time.Millisecond):
		}
	}
}

// change is a statement or a transaction.
func (e *editor) change() string {
	row := e.dice.IntN(3000) + 1
	text := fmt.Sprintf("editor %d writes %d", e.n, e.dice.IntN(1_000_000))
	switch e.dice.IntN(10) {
	case 0, 1:
		e.made++
		return fmt.Sprintf("INSERT INTO docs VALUES (%d, '%s')", 10_000*(e.n+1)+e.made, text)
	case 2:
		return fmt.Sprintf("DELETE FROM docs WHERE id = %d", row)
	case 3:
		return fmt.Sprintf("BEGIN; UPDATE docs SET body = '%s' WHERE id = %d; DELETE FROM docs WHERE id = %d; COMMIT", text, row, row+1)
	case 4:
		return fmt.Sprintf("BEGIN; UPDATE docs SET body = '%s'; ROLLBACK", text)
	case 5:
		return fmt.Sprintf("INSERT INTO docs VALUES (%d, '%s') ON CONFLICT (id) DO UPDATE SET body = excluded.body", row, text)
	case 6:
		e.embeds.Add(1)
		return fmt.Sprintf("SELECT pgml.embed('all-MiniLM-L6-v2', '%s')", text)
	case 7:
		return fmt.Sprintf("UPDATE docs SET body = CASE WHEN body IS NULL THEN '%s' END WHERE id BETWEEN %d AND %[2]d + 2", text, row)
	case 8:
		return fmt.Sprintf("UPDATE docs SET id = -id WHERE id IN (%d, -%[1]d)", row)
	default:
		return fmt.Sprintf("UPDATE docs SET body = '%s' WHERE id = %d", text, row)
	}
}
