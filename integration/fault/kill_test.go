package fault

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pgowl/pgowl/integration/pgtest"
)

// goneWithin is how long a backend may live after its client, its proxy or the order to end: the call lane waits two seconds for a proxy to come
// back, and the rest is for a busy machine.
const goneWithin = time.Minute

// kills are the ways in which TestRandomKills ends something.
var kills = []string{"proxy", "service", "backend", "client"}

// TestRandomKills ends the proxy, a service connection, a session's backend or a client at random moments of statements in all lanes.
// Whoever is not hit notices nothing; whoever is gets the right answer or the end of the connection; and nothing is left behind.
// FAULT_KILLS is how often, FAULT_SEED repeats the choices, FAULT_KIND is the only kind.
func TestRandomKills(t *testing.T) {
	count := number("FAULT_KILLS", 12)
	seed := uint64(number("FAULT_SEED", int(time.Now().UnixNano())))
	t.Logf("FAULT_SEED=%d", seed)
	dice := rand.New(rand.NewPCG(seed, 0))

	k := &killing{T: t, url: pgtest.Start(t).Database(t), fellow: map[int]*victim{}, gone: map[string][]time.Duration{}}
	k.change(k.launch())
	prepare(t, k.to()+notOurs)
	k.furnish()
	k.direct = connect(t, k.url)
	if err := works(connect(t, k.to()+notOurs)); err != nil {
		t.Fatal(err)
	}

	var clients sync.WaitGroup
	ctx, stop := context.WithCancel(context.Background())
	defer clients.Wait()
	defer stop()
	for n := range 5 {
		c := &victim{killing: k, n: n, dice: rand.New(rand.NewPCG(seed, uint64(n+1)))}
		k.fellow[n] = c
		clients.Go(func() { c.live(ctx) })
	}
	for i := range count {
		kind := kills[dice.IntN(len(kills))]
		if only := os.Getenv("FAULT_KIND"); only != "" {
			kind = only
		}
		k.busy(1+dice.IntN(12), time.Duration(dice.IntN(30_000))*time.Microsecond)
		if t.Failed() {
			t.Fatalf("after %d kills", i)
		}
		k.kill(kind, dice)
		if (i+1)%25 == 0 {
			t.Logf("%d kills", i+1)
		}
	}
	k.gate.Lock()
	stop()
	k.gate.Unlock()
	clients.Wait()
	k.rows()
	for _, kind := range kills {
		g := k.gone[kind]
		if len(g) > 0 {
			slices.Sort(g)
			t.Logf("%s: killed %d times; backends gone after %v in the middle, %v at most", kind, len(g), g[len(g)/2].Round(time.Millisecond), g[len(g)-1].Round(time.Millisecond))
		}
	}
	t.Logf("%d statements answered, %d ended with their connection, the longest after %v", k.answered.Load(), k.ended.Load(), time.Duration(k.longest.Load()).Round(time.Millisecond))
}

// The sessions of the test's own, and which backends are the proxy's.
const (
	notOurs = "&application_name=furnisher"
	service = "application_name NOT LIKE 'victim%' AND application_name <> 'furnisher'"
)

func number(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

// killing is a site where things are killed.
type killing struct {
	*testing.T
	url    string
	direct *pgx.Conn       // the killer's
	right  map[string]real // the predictions of 'line'
	texts  string          // md5 of embeddings; "" where there is no model
	fellow map[int]*victim
	gone   map[string][]time.Duration

	gate  sync.RWMutex // statements hold it; who has it all for himself sees a quiet site
	proxy atomic.Pointer[generation]

	started, answered, ended, longest atomic.Int64

	mu     sync.Mutex
	stored []string // batches that the server said it has stored
}

type real = float32

// generation is one life of the proxy.
type generation struct {
	*owl
	before gauge // what it held when it was new
	killed atomic.Bool
	next   chan struct{} // closed when there is another
}

func (k *killing) change(o *owl) {
	k.Helper()
	old := k.proxy.Swap(&generation{owl: o, before: o.read(k.T), next: make(chan struct{})})
	if old != nil {
		close(old.next)
	}
}

// launch starts a proxy that leaves models to the engine: as SQL they would need nobody who can be killed.
func (k *killing) launch() *owl {
	k.Helper()
	return launch(k.T, k.url)
}

func (k *killing) to() string { return through(k.url, k.proxy.Load().sql) }

// furnish makes what the statements use, and learns the right answers.
func (k *killing) furnish() {
	k.Helper()
	conn := connect(k.T, k.to()+notOurs)
	for _, sql := range []string{
		"CREATE TABLE stored (batch text, x real[], y real)",
		"CREATE FUNCTION several(b int) RETURNS real[] LANGUAGE plpgsql AS $$ DECLARE r real[]; BEGIN FOR a IN 1..60 LOOP r := r || pgml.predict('line', ARRAY[a % 12 + 1, b]::real[]); END LOOP; RETURN r; END $$",
		"CREATE FUNCTION vectors() RETURNS text LANGUAGE plpgsql AS $$ DECLARE t text := ''; v real[]; BEGIN FOR v IN SELECT pgml.embed('all-MiniLM-L6-v2', ARRAY['one', 'two', 'three', 'four']) LOOP t := t || v::text; END LOOP; RETURN md5(t); END $$",
	} {
		if _, err := conn.Exec(context.Background(), sql); err != nil {
			k.Fatalf("%s: %v", sql, err)
		}
	}
	rows, err := conn.Query(context.Background(), "SELECT a || ',' || b, pgml.predict('line', ARRAY[a, b]::real[]) FROM generate_series(1, 12) a, generate_series(1, 12) b")
	if err != nil {
		k.Fatal(err)
	}
	k.right = map[string]real{}
	var at string
	var v real
	if _, err = pgx.ForEachRow(rows, []any{&at, &v}, func() error { k.right[at] = v; return nil }); err != nil || len(k.right) != 144 {
		k.Fatal(len(k.right), err)
	}
	if _, err := os.Stat(os.Getenv("PGOWL_MODELS") + "/all-MiniLM-L6-v2"); err == nil {
		if err := conn.QueryRow(context.Background(), "SELECT vectors()").Scan(&k.texts); err != nil {
			k.Fatal(err)
		}
	}
}

func (k *killing) line(a, b int) real { return k.right[fmt.Sprintf("%d,%d", a, b)] }

// busy waits until so many more statements have begun, and then some: a kill is to come in the middle.
func (k *killing) busy(statements int, more time.Duration) {
	k.Helper()
	from := k.started.Load()
	for deadline := time.Now().Add(patience); k.started.Load() < from+int64(statements); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			k.Fatal("the clients do nothing")
		}
	}
	time.Sleep(more)
}

// kill ends something, waits until the site is quiet and looks at what is left.
func (k *killing) kill(kind string, dice *rand.Rand) {
	k.Helper()
	var pids []int32 // backends that are to go
	began := time.Now()
	p := k.proxy.Load()
	switch kind {
	case "proxy":
		p.killed.Store(true)
		p.kill()
		began = time.Now()
		pids = k.backends("application_name <> 'furnisher'")
		if dice.IntN(2) == 0 {
			k.change(k.launch()) // while what is left of the last one is still there
		}
	case "service":
		switch dice.IntN(4) {
		case 0: // all that carry answers
			pids = k.backends("application_name LIKE 'pgowl:%'")
		case 1: // any, the scheduler's and the pool's too
			all := k.backends(service)
			pids = []int32{all[dice.IntN(len(all))]}
		default: // the one that has just been given an answer
			if pids = k.backends("query LIKE '--%' AND application_name LIKE 'pgowl:%'"); len(pids) > 1 {
				pids = pids[:1]
			}
		}
		for _, pid := range pids {
			k.terminate(pid)
		}
	default:
		var s *connection
		for deadline := time.Now().Add(patience); s == nil; {
			if time.Now().After(deadline) {
				k.Fatal("no client has a connection")
			}
			s = k.fellow[dice.IntN(len(k.fellow))].now.Load()
		}
		s.doomed.Store(true)
		pids = []int32{int32(s.PgConn().PID())}
		began = time.Now()
		if kind == "backend" {
			k.terminate(pids[0])
			break
		}
		socket := s.PgConn().Conn()
		if tcp, ok := socket.(*net.TCPConn); ok && dice.IntN(2) == 0 {
			tcp.SetLinger(0)
		}
		socket.Close()
	}
	for {
		var left int
		if err := k.direct.QueryRow(context.Background(), "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY ($1)", pids).Scan(&left); err != nil {
			k.Fatal(err)
		}
		if left == 0 {
			break
		}
		if time.Since(began) > goneWithin {
			k.Fatalf("%s killed, and %v later there is still:\n%s", kind, goneWithin, k.activity())
		}
		k.pause()
	}
	k.gone[kind] = append(k.gone[kind], time.Since(began))
	k.gate.Lock()
	defer k.gate.Unlock()
	if p.killed.Load() && k.proxy.Load() == p {
		k.change(k.launch())
	}
	k.quiet(kind)
	k.fresh(dice)
}

func (k *killing) pause() {
	if _, err := k.direct.Exec(context.Background(), "SELECT pg_sleep(0.01)"); err != nil {
		k.Fatal(err)
	}
}

func (k *killing) terminate(pid int32) {
	k.Helper()
	if _, err := k.direct.Exec(context.Background(), "SELECT pg_terminate_backend($1)", pid); err != nil {
		k.Fatal(err)
	}
}

func (k *killing) backends(which string) []int32 {
	k.Helper()
	rows, err := k.direct.Query(context.Background(), "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND ("+which+") ORDER BY query_start DESC, pid")
	if err != nil {
		k.Fatal(err)
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if err != nil {
		k.Fatal(err)
	}
	return pids
}

// quiet waits until nothing is left of statements: no lock, no reply, no backend at work, no session that nobody has, nothing in the proxy.
func (k *killing) quiet(kind string) {
	k.Helper()
	var sessions int
	for _, c := range k.fellow {
		if s := c.now.Load(); s != nil && !s.doomed.Load() && !s.proxy.killed.Load() {
			sessions++
		}
	}
	// The scheduler's leader keeps one lock as long as it leads.
	const look = `SELECT
		(SELECT count(*) - least(count(*) FILTER (WHERE locktype = 'advisory' AND mode = 'ShareLock' AND objsubid = 2), 1)
			FROM pg_locks WHERE pid <> pg_backend_pid() AND database = (SELECT oid FROM pg_database WHERE datname = current_database())),
		(SELECT count(*) FROM pgowl.replies),
		(SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'),
		(SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'victim%'),
		(SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND ` + service + ")"
	for began := time.Now(); ; k.pause() {
		var locks, replies, active, open, own int
		if err := k.direct.QueryRow(context.Background(), look).Scan(&locks, &replies, &active, &open, &own); err != nil {
			k.Fatal(err)
		}
		// Beside the mailboxes and the pool are the scheduler's and the watchers' connections.
		p := k.proxy.Load()
		g := p.read(k.T)
		allowed := stackSlack.count + 8*sessions
		if locks == 0 && replies == 0 && active == 0 && open == sessions && own <= 16+4+4 && g.goroutines <= p.before.goroutines+allowed && g.files <= p.before.files+allowed {
			return
		}
		if time.Since(began) > goneWithin {
			k.Fatalf("%s killed, and left behind: %d locks, %d replies, %d backends at work, %d sessions of %d, %d service connections; the proxy holds %v, and held %v when it was new\n%s",
				kind, locks, replies, active, open, sessions, own, g, p.before, k.activity())
		}
	}
}

func (k *killing) activity() string {
	rows, err := k.direct.Query(context.Background(), `SELECT concat_ws(' | ', pid, application_name, state, wait_event_type, wait_event, clock_timestamp() - query_start, left(query, 150))
		FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
	if err != nil {
		return err.Error()
	}
	lines, _ := pgx.CollectRows(rows, pgx.RowTo[string])
	return strings.Join(lines, "\n")
}

// fresh is somebody who comes after a kill: everything works.
func (k *killing) fresh(dice *rand.Rand) {
	k.Helper()
	c := &victim{killing: k, n: 99, dice: rand.New(rand.NewPCG(dice.Uint64(), 0))}
	defer c.leave()
	for range 3 {
		what, err := c.step()
		if err != nil {
			k.Fatalf("a new client: %s: %v", what, err)
		}
	}
}

// rows compares what has been stored with what the server has said.
func (k *killing) rows() {
	k.Helper()
	rows, err := k.direct.Query(context.Background(), "SELECT batch, count(*) FROM stored GROUP BY batch")
	if err != nil {
		k.Fatal(err)
	}
	batches := map[string]int{}
	var batch string
	var n int
	if _, err := pgx.ForEachRow(rows, []any{&batch, &n}, func() error { batches[batch] = n; return nil }); err != nil {
		k.Fatal(err)
	}
	for batch, n := range batches {
		if n != 1440 {
			k.Errorf("batch %s has %d rows", batch, n)
		}
	}
	for _, batch := range k.stored {
		if batches[batch] == 0 {
			k.Errorf("batch %s was answered for and is not there", batch)
		}
	}
	var wrong int
	rows, err = k.direct.Query(context.Background(), "SELECT DISTINCT x[1]::int || ',' || x[2]::int, y FROM stored")
	if err != nil {
		k.Fatal(err)
	}
	var v real
	if _, err := pgx.ForEachRow(rows, []any{&batch, &v}, func() error {
		if k.right[batch] != v {
			wrong++
		}
		return nil
	}); err != nil || wrong > 0 {
		k.Errorf("stored: %d wrong, %v", wrong, err)
	}
}

// victim is a client that runs statements and may be hit.
type victim struct {
	*killing
	n    int
	dice *rand.Rand
	now  atomic.Pointer[connection]
	runs int
}

// connection is one of a victim's.
type connection struct {
	*pgx.Conn
	proxy  *generation
	doomed atomic.Bool // it has been killed, or is about to be
}

func (c *victim) live(ctx context.Context) {
	for {
		c.gate.RLock()
		if ctx.Err() != nil {
			c.leave()
			c.gate.RUnlock()
			return
		}
		p := c.proxy.Load()
		if s := c.now.Load(); s != nil {
			p = s.proxy
		}
		began := time.Now()
		what, err := c.step()
		if took := int64(time.Since(began)); took > c.longest.Load() {
			c.longest.Store(took)
		}
		s := c.now.Load()
		switch {
		case err == nil:
			c.answered.Add(1)
		case p.killed.Load() || s != nil && s.doomed.Load():
			c.ended.Add(1)
			if !parted(err) {
				c.Errorf("client %d, hit: %s: %v", c.n, what, err)
			}
			c.leave()
		default:
			c.Errorf("client %d, not hit: %s: %v", c.n, what, err)
			c.leave()
		}
		c.gate.RUnlock()
		if p.killed.Load() {
			select {
			case <-p.next:
			case <-ctx.Done():
				return
			}
		}
	}
}

func (c *victim) leave() {
	if s := c.now.Swap(nil); s != nil {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		s.Close(ctx)
	}
}

// parted reports whether an error says that the connection is no more.
func parted(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "57P01" || strings.HasPrefix(pg.Code, "08")
	}
	var network net.Error
	if errors.As(err, &network) && network.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	var wrong wrongAnswer
	return !errors.As(err, &wrong)
}

// wrongAnswer is the worst that can come out.
type wrongAnswer string

func (w wrongAnswer) Error() string { return "wrong answer: " + string(w) }

// step runs one statement, in a session that may have to be opened first.
func (c *victim) step() (what string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s := c.now.Load()
	if s == nil {
		s = &connection{proxy: c.proxy.Load()}
		to := c.to() + fmt.Sprintf("&application_name=victim%d", c.n)
		if c.dice.IntN(3) == 0 {
			to += "&pgowl.lanes=call"
		}
		if s.Conn, err = pgx.Connect(ctx, to); err != nil {
			return "log-in", err
		}
		c.now.Store(s)
	}
	c.started.Add(1)
	c.runs++
	a, b := 1+c.dice.IntN(12), 1+c.dice.IntN(12)
	one := func(sql string, args ...any) error {
		var v real
		if err := s.QueryRow(ctx, sql, args...).Scan(&v); err != nil {
			return err
		}
		if v != c.line(a, b) {
			return wrongAnswer(fmt.Sprint(v))
		}
		return nil
	}
	several := func() error {
		var v []real
		if err := s.QueryRow(ctx, "SELECT several($1)", b).Scan(&v); err != nil {
			return err
		}
		for i, v := range v {
			if v != c.line((i+1)%12+1, b) {
				return wrongAnswer(fmt.Sprint(i, v))
			}
		}
		if len(v) != 60 {
			return wrongAnswer(fmt.Sprint(len(v), " values"))
		}
		return nil
	}
	inside := func(begin string, do func() error) error {
		if _, err := s.Exec(ctx, begin); err != nil {
			return err
		}
		if err := do(); err != nil {
			return err
		}
		_, err := s.Exec(ctx, "COMMIT")
		return err
	}
	switch c.dice.IntN(11) {
	case 0:
		return "fold, constant", one(fmt.Sprintf("SELECT pgml.predict('line', '{%d,%d}'::real[])", a, b))
	case 1:
		return "fold, parameter", one("SELECT pgml.predict('line', $1::real[])", []real{real(a), real(b)})
	case 2:
		rows, err := s.Query(ctx, "SELECT a, b, pgml.predict('line', ARRAY[a, b]::real[]) FROM generate_series(1, 12) a, generate_series(1, 12) b, generate_series(1, 6)")
		if err != nil {
			return "stream", err
		}
		n := 0
		var v real
		_, err = pgx.ForEachRow(rows, []any{&a, &b, &v}, func() error {
			if n++; v != c.line(a, b) {
				return wrongAnswer(fmt.Sprint(a, b, v))
			}
			return nil
		})
		if err == nil && n != 12*12*6 {
			err = wrongAnswer(fmt.Sprint(n, " rows"))
		}
		return "stream", err
	case 3:
		return "function", several()
	case 4:
		return "repeatable read", inside("BEGIN ISOLATION LEVEL REPEATABLE READ", several)
	case 5:
		return "serializable, read only", inside("BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY", several)
	case 6:
		want, n := 0, 0
		for _, v := range c.right {
			if v > c.line(a, b) {
				want++
			}
		}
		err := s.QueryRow(ctx, "SELECT count(*) FROM points WHERE pgml.predict('line', x) > $1", c.line(a, b)).Scan(&n)
		if err == nil && n != want {
			err = wrongAnswer(fmt.Sprintf("%d of %d", n, want))
		}
		return "WHERE", err
	case 7:
		batch := fmt.Sprintf("%d.%d.%d", c.n, c.runs, c.dice.Uint64())
		tag, err := s.Exec(ctx, "INSERT INTO stored SELECT '"+batch+"', x, pgml.predict('line', x) FROM points, generate_series(1, 10)")
		if err == nil {
			if tag.RowsAffected() != 1440 {
				return "batch", wrongAnswer(tag.String())
			}
			c.mu.Lock()
			c.stored = append(c.stored, batch)
			c.mu.Unlock()
		}
		return "batch", err
	case 8:
		// A function of its own for what is read as the caller: several requests in one call.
		return "training", inside("BEGIN", func() error {
			var project string
			err := s.QueryRow(ctx, fmt.Sprintf("SELECT project FROM pgml.train('own %d', 'regression', 'points', 'y', 'xgboost', '{\"n_estimators\": 2}', test_sampling => 'last')", c.n)).Scan(&project)
			if err == nil && project != fmt.Sprintf("own %d", c.n) {
				err = wrongAnswer(project)
			}
			if err == nil {
				_, err = s.Exec(ctx, "ROLLBACK; BEGIN")
			}
			return err
		})
	case 9:
		rows, err := s.Query(ctx, "SELECT pgml.predict_batch('line', (SELECT array_agg(ARRAY[g % 12 + 1, $1]::real[]) FROM generate_series(1, 600) g))", b)
		if err != nil {
			return "long answer", err
		}
		n := 0
		var v real
		_, err = pgx.ForEachRow(rows, []any{&v}, func() error {
			if n++; v != c.line(n%12+1, b) {
				return wrongAnswer(fmt.Sprint(n, v))
			}
			return nil
		})
		if err == nil && n != 600 {
			err = wrongAnswer(fmt.Sprint(n, " rows"))
		}
		return "long answer", err
	}
	if c.texts == "" {
		return "fold, constant", one(fmt.Sprintf("SELECT pgml.predict('line', '{%d,%d}'::real[])", a, b))
	}
	var sum string
	err = s.QueryRow(ctx, "SELECT vectors()").Scan(&sum)
	if err == nil && sum != c.texts {
		err = wrongAnswer(fmt.Sprintf("vectors %s, not %s", sum, c.texts))
	}
	return "texts", err
}
