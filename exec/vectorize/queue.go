package vectorize

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
	"go.uber.org/zap"
)

const (
	// drainers is how many jobs a proxy works on at once: while one writes, the other embeds.
	drainers = 2
	// lanes is how many jobs there may be for a column: one for each laneRows that wait, so that the proxies share a large backlog.
	lanes    = 16
	laneRows = 400
	// window is for how long a job stands in for its column and lane. That of a proxy that was killed stays behind as running until River rescues it: others are made
	// in the next window.
	window = 10 * time.Second
	// shift is how long a job goes on; less than a window.
	shift = 8 * time.Second
)

// drainArgs are a job's: look at a column's queue.
type drainArgs struct {
	ID    int64 `json:"id"`
	Lane  int   `json:"lane"`
	Owner int64 `json:"owner"` // OID of the table's, among whom turns are taken
}

// Kind is River's name of the jobs.
func (drainArgs) Kind() string { return "pgowl_vectorize" }

// queue is River, in schema pgowl.
type queue struct {
	client *river.Client[pgx.Tx]
	pool   *pgxpool.Pool
}

const (
	riverSchema = "pgowl"
	riverQueue  = "vectorize"
)

// migrationLock is the advisory lock under which River's tables are made: "pgowl" in ASCII, then 2.
const migrationLock int64 = 0x70676f776c02

// openQueue makes River's tables, if they are not there, and starts it.
func openQueue(ctx context.Context, service string, drain func(context.Context, drainArgs) error, log *zap.Logger) (*queue, error) {
	config, err := poolConfig(service, 4) // one listens
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		return nil, err
	}
	q := &queue{pool: pool}
	if err := q.start(ctx, drain, slog.New(quiet{log})); err != nil {
		pool.Close()
		return nil, err
	}
	return q, nil
}

func (q *queue) start(ctx context.Context, drain func(context.Context, drainArgs) error, log *slog.Logger) error {
	if err := q.migrate(ctx, log); err != nil {
		return err
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, job *river.Job[drainArgs]) error {
		return drain(ctx, job.Args)
	}))
	client, err := river.NewClient(riverpgxv5.New(q.pool), &river.Config{
		Schema:                      riverSchema,
		Queues:                      map[string]river.QueueConfig{riverQueue: {MaxWorkers: drainers}},
		Workers:                     workers,
		Logger:                      log,
		JobTimeout:                  -1, // a row's many chunks may take minutes
		RescueStuckJobsAfter:        time.Hour,
		CompletedJobRetentionPeriod: time.Minute,
		CancelledJobRetentionPeriod: time.Minute,
		DiscardedJobRetentionPeriod: time.Hour,
		ReindexerIndexNames:         []string{},
	})
	if err != nil {
		return err
	}
	// Its end is Stop's business, so that it does not write to a pool that is closed.
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	q.client = client
	return nil
}

// migrate makes River's tables or brings them up to date, while no other proxy does.
func (q *queue) migrate(ctx context.Context, log *slog.Logger) error {
	migrator, err := rivermigrate.New(riverpgxv5.New(q.pool), &rivermigrate.Config{Schema: riverSchema, Logger: log})
	if err != nil {
		return err
	}
	conn, err := q.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, "SELECT pg_catalog.pg_advisory_lock($1)", migrationLock); err != nil {
		return err
	}
	defer func() { // if it fails the connection is broken, and the lock gone with it
		conn.Exec(context.WithoutCancel(ctx), "SELECT pg_catalog.pg_advisory_unlock($1)", migrationLock)
	}()
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("its tables: %w", err)
	}
	return nil
}

// add makes jobs, where there are none of the same window.
func (q *queue) add(ctx context.Context, jobs []job) error {
	if len(jobs) == 0 {
		return nil
	}
	all := make([]river.InsertManyParams, len(jobs))
	for i, j := range jobs {
		all[i] = river.InsertManyParams{Args: j.drainArgs, InsertOpts: &river.InsertOpts{
			Queue:       riverQueue,
			Priority:    j.priority,
			MaxAttempts: 1, // whoever looks next makes another
			UniqueOpts: river.UniqueOpts{ByArgs: true, ByPeriod: window, ByState: []rivertype.JobState{
				rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning, rivertype.JobStateScheduled}},
		}}
	}
	_, err := q.client.InsertMany(ctx, all)
	return err
}

// stop cancels what runs, and waits for its end.
func (q *queue) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	q.client.StopAndCancel(ctx)
	q.pool.Close()
}

// quiet hands River's warnings to our log.
type quiet struct{ log *zap.Logger }

func (quiet) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }
func (q quiet) WithAttrs([]slog.Attr) slog.Handler         { return q }
func (q quiet) WithGroup(string) slog.Handler              { return q }
func (q quiet) Handle(_ context.Context, r slog.Record) error {
	fields := []zap.Field{}
	r.Attrs(func(a slog.Attr) bool {
		fields = append(fields, zap.String(a.Key, a.Value.String()))
		return true
	})
	q.log.Warn("vectorize: River: "+r.Message, fields...)
	return nil
}
