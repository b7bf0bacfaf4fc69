package vectorize

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/pgowl/pgowl/models/text"
	"go.uber.org/zap"
)

// Texts embeds; *text.Store does.
type Texts interface {
	Embed(ctx context.Context, model string, texts []string, o text.EmbedOptions) ([][]float32, error)
	Revision(ctx context.Context, model string, v text.Variant) (string, error)
}

// Options are a Keeper's. Service and Texts are required.
type Options struct {
	Service string        // URL with the credentials that own schema pgml; its connections must be sessions of their own
	Texts   Texts         // the models
	Look    time.Duration // between looks at the queue; 0: half a second
	Idle    time.Duration // the same, where nothing is vectorized; 0: 3 s
	Meters  *Meters       // nil: nobody's
	Log     *zap.Logger   // nil: quiet
}

// Keeper does the work of a proxy. Make one with New; Start it, and Stop it.
type Keeper struct {
	options Options
	log     *zap.Logger
	meters  *Meters
	write   *pgxpool.Pool // for the catalog
	read    *pgxpool.Pool // for readers, which are users' functions
	queue   *queue        // River; nil while nothing is vectorized
	cancel  context.CancelFunc
	wait    sync.WaitGroup

	mu      sync.Mutex
	sizes   map[int64]int // rows of a batch, by column: what takes about a second
	told    string        // the last trouble that was logged
	running []*turn       // jobs that are worked on

	// Of look alone.
	tidied time.Time           // when tidy was last done
	asked  map[int64]time.Time // when jobs of columns were last made
}

// Connections at most, beside River's.
const (
	writers = drainers + 1
	readers = drainers
)

// New checks the options. It connects to nothing.
func New(o Options) (*Keeper, error) {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Meters == nil {
		o.Meters = new(Meters)
	}
	if o.Look <= 0 {
		o.Look = 500 * time.Millisecond
	}
	if o.Idle <= 0 {
		o.Idle = 3 * time.Second
	}
	k := &Keeper{options: o, log: o.Log, meters: o.Meters, sizes: map[int64]int{}, asked: map[int64]time.Time{}}
	// The queue's table is one of few rows among many that have gone: it is read by its index, whatever its statistics were last.
	// That makes plans look dear which are not, for which the server would compile code (jit), at 100 ms and more a statement.
	// What a reader does to its session ends with its transaction, which is rolled back; these settings hold for the next one.
	for _, p := range []struct {
		pool **pgxpool.Pool
		most int32
		sets string
	}{
		{&k.write, writers, "SET search_path = pg_catalog, pg_temp; SET datestyle = 'ISO, YMD'; SET lock_timeout = '10s'; SET statement_timeout = '60s'; SET enable_seqscan = off; SET enable_bitmapscan = off"},
		{&k.read, readers, "SET search_path = pg_catalog, pg_temp; SET datestyle = 'ISO, YMD'; SET lock_timeout = '2s'; SET default_transaction_read_only = on; SET standard_conforming_strings = on; SET client_encoding = 'UTF8'"},
	} {
		config, err := poolConfig(o.Service, p.most)
		if err != nil {
			return nil, err
		}
		config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
			_, err := conn.Exec(ctx, p.sets+"; SET jit = off; SET idle_in_transaction_session_timeout = 0; SET default_transaction_isolation = 'read committed'")
			return err
		}
		if *p.pool, err = pgxpool.NewWithConfig(context.Background(), config); err != nil {
			return nil, fmt.Errorf("service connection: %w", err)
		}
	}
	return k, nil
}

func poolConfig(url string, most int32) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("service connection: %w", err)
	}
	config.MaxConns, config.MinConns, config.MaxConnIdleTime = most, 0, 10*time.Second
	config.ConnConfig.RuntimeParams["application_name"] = "pgowl vectorize"
	// The catalog may be dropped and made again under us.
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	return config, nil
}

// Start begins the work, and returns. A database that is not there, has no schema pgml or is read-only is waited for.
func (k *Keeper) Start(ctx context.Context) {
	ctx, k.cancel = context.WithCancel(ctx)
	k.wait.Go(func() { k.look(ctx) })
}

// Stop ends the work: what is under way is cancelled, and left to others. It may be called twice, and without Start.
func (k *Keeper) Stop() {
	if k.cancel != nil {
		k.cancel()
	}
	k.wait.Wait()
	k.write.Close()
	k.read.Close()
}

// look looks for work, over and over.
func (k *Keeper) look(ctx context.Context) {
	defer k.idle()
	for {
		some, err := k.turn(ctx)
		if ctx.Err() != nil {
			return
		}
		k.tell(err)
		wait := k.options.Look
		if !some {
			wait = k.options.Idle
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// turn looks once, and reports whether anything is vectorized.
func (k *Keeper) turn(ctx context.Context) (bool, error) {
	if k.queue == nil {
		var ours bool
		err := k.write.QueryRow(ctx, "SELECT to_regclass('pgml.vectorized') IS NOT NULL AND NOT pg_is_in_recovery() AND to_regprocedure('pgowl.vectorize_due(integer)') IS NOT NULL").Scan(&ours)
		if err != nil || !ours {
			return false, err
		}
	}
	rows, err := k.write.Query(ctx, `SELECT d.id, d.waiting, d.dropped, c.relowner::bigint FROM pgowl.vectorize_due($1) d
		LEFT JOIN pgml.vectorized v ON v.id = d.id LEFT JOIN pg_class c ON c.oid = v.relation`, lanes*laneRows)
	if err != nil {
		return true, err
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[due])
	if err != nil {
		if state := sqlState(err); state == "42883" || state == "3F000" || state == "42P01" { // the extension was dropped
			return k.idle(), nil
		}
		return true, err
	}
	if len(found) == 1 && found[0].ID == nil {
		return k.idle(), nil
	}
	if k.queue == nil {
		if k.queue, err = openQueue(ctx, k.options.Service, k.drain, k.log); err != nil {
			return true, fmt.Errorf("the queue of jobs: %w", err)
		}
	}
	if time.Since(k.tidied) > tidyEach {
		k.tidied = time.Now()
		if err := k.tidy(ctx); err != nil {
			return true, err
		}
	}
	if err := k.measure(ctx); err != nil {
		return true, err
	}
	var work []due
	for _, d := range found {
		if *d.Dropped {
			if err := k.sweep(ctx, *d.ID); err != nil {
				return true, err
			}
		} else if d.Owner != nil { // else it is dropped just now
			work = append(work, d)
		}
	}
	if len(work) == 0 {
		return true, nil
	}
	return true, k.hire(ctx, work)
}

// hire makes jobs for columns with work, and sees that they get their turns.
func (k *Keeper) hire(ctx context.Context, work []due) error {
	waiting, err := k.waiting(ctx)
	if err != nil {
		return err
	}
	jobs := plan(work, waiting, k.asked)
	if err := k.queue.add(ctx, jobs); err != nil {
		return err
	}
	now := time.Now()
	for _, j := range jobs {
		waiting = append(waiting, j.drainArgs)
		k.asked[j.ID] = now
	}
	k.makeWay(waiting)
	return nil
}

// idle ends River, which asks the database things all the time, while nothing is vectorized.
func (k *Keeper) idle() bool {
	k.meters.waiting.Store(nil)
	if k.queue != nil {
		k.queue.stop()
		k.queue = nil
	}
	return false
}

// due is a column with work. Without an ID there is no column at all.
type due struct {
	ID      *int64
	Waiting *int64
	Dropped *bool
	Owner   *int64 // OID; nil: the table is not there
}

// sweep takes away what is left of a column that has been dropped, with its table or without.
func (k *Keeper) sweep(ctx context.Context, id int64) error {
	if _, err := k.write.Exec(ctx, "SELECT pgowl.vectorize_drop($1)", id); err != nil {
		return err
	}
	k.log.Info("vectorize: a table or column has been dropped, and its vectors are", zap.Int64("id", id))
	return nil
}

const (
	// goneRows is how many vectors that have gone are remembered of a column, at least.
	goneRows = 100_000
	tidyEach = time.Minute
)

// tidy forgets what nobody needs: vectors that went long ago, and rows in the queue that belong to no column. And it notices columns that are followed no more, though
// nothing waits.
func (k *Keeper) tidy(ctx context.Context) error {
	_, err := k.write.Exec(ctx, `WITH old AS (
			SELECT v.id, g.revision FROM pgml.vectorized v CROSS JOIN LATERAL (
				SELECT o.revision FROM pgml.vectors_gone o WHERE o.id = v.id ORDER BY o.revision DESC OFFSET $1 LIMIT 1) g
		), moved AS (
			UPDATE pgml.vectorized v SET complete_from = greatest(v.complete_from, o.revision) FROM old o WHERE v.id = o.id
		) DELETE FROM pgml.vectors_gone g USING old o WHERE g.id = o.id AND g.revision <= o.revision`, goneRows)
	if err != nil {
		return err
	}
	_, err = k.write.Exec(ctx, `UPDATE pgml.vectorized v SET error = pgowl.vectorize_trouble(v.id), error_at = clock_timestamp()
		WHERE v.error IS NULL AND v.state = 'active' AND pgowl.vectorize_trouble(v.id) IS NOT NULL`)
	if err != nil {
		return err
	}
	_, err = k.write.Exec(ctx, `DELETE FROM pgml.vector_queue q WHERE NOT EXISTS (SELECT FROM pgml.vectorized v WHERE v.id = q.id AND v.relation_oid = q.relation)`)
	return err
}

// tell logs trouble once, and its end.
func (k *Keeper) tell(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case err == nil && k.told != "":
		k.told = ""
		k.log.Info("vectorize: works again")
	case err != nil && err.Error() != k.told:
		k.told = err.Error()
		k.log.Warn("vectorize: tries again", zap.Error(err))
	}
}

// sqlState gives an error's SQLSTATE; empty: it is not the server's.
func sqlState(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}
