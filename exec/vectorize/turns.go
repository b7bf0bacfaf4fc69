package vectorize

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// Turns: columns share the drainers of the proxies, and so do the tables' owners, who would rather not wait for each other. A job makes way after each batch if another column's job waits; one
// that begins beside another of its column, or of its owner, makes way at once; and where all drainers are taken by batches of one column, or owner, that take long, one of these is
// ended, whose rows stay in the queue. So what a single row of another column waits for is a batch, not a backlog, whatever the tables' owners have done to their tables.

// job is a drainer's work, and its place among those that wait.
type job struct {
	drainArgs
	priority int // River's: 1 comes first
}

const (
	// ownerJobs is how many columns of an owner wait for a drainer at most; others wait until these do not.
	ownerJobs = 16
	// longBatch is how long a batch may go on though others wait. Most take a second.
	longBatch = 1500 * time.Millisecond
)

// plan says which jobs to make for columns with work, beside those that wait already. An owner's first column comes before the second one of another's, and columns come before what shares a
// large backlog. Among an owner's columns it is the turn of the one that was asked for longest ago.
func plan(columns []due, waiting []drainArgs, asked map[int64]time.Time) []job {
	there, owners := map[drainArgs]bool{}, map[int64]int{}
	for _, w := range waiting {
		there[w] = true
		if w.Lane == 0 {
			owners[w.Owner]++
		}
	}
	columns = slices.Clone(columns)
	slices.SortStableFunc(columns, func(a, b due) int { return cmp.Or(asked[*a.ID].Compare(asked[*b.ID]), cmp.Compare(*a.ID, *b.ID)) })
	var jobs []job
	for _, c := range columns {
		first := drainArgs{ID: *c.ID, Owner: *c.Owner}
		if !there[first] {
			if owners[first.Owner] >= ownerJobs {
				continue
			}
			jobs = append(jobs, job{first, min(1+owners[first.Owner], 2)})
			owners[first.Owner]++
		}
		for lane := 1; lane < min(lanes, 1+int(*c.Waiting)/laneRows); lane++ {
			if next := (drainArgs{*c.ID, lane, *c.Owner}); !there[next] {
				jobs = append(jobs, job{next, 3})
			}
		}
	}
	return jobs
}

// turn is a job that this proxy works on.
type turn struct {
	drainArgs
	began time.Time               // the batch
	end   context.CancelCauseFunc // of the batch
}

// another reports whether there is a job of another owner, and whether there is one of another column.
func another(me drainArgs, waiting []drainArgs) (owner, column bool) {
	for _, w := range waiting {
		owner = owner || w.Owner != me.Owner
		column = column || w.ID != me.ID
	}
	return owner, column
}

// crowds reports whether a job that begins is to make way: its column, or its owner, has a turn, and others wait.
func crowds(me *turn, running []*turn, waiting []drainArgs) bool {
	owner, column := another(me.drainArgs, waiting)
	return slices.ContainsFunc(running, func(r *turn) bool {
		return r != me && (owner && r.Owner == me.Owner || column && r.ID == me.ID)
	})
}

// tooLong finds the batch that is to make way for another column's job: where all drainers are taken by those of one column or owner that have gone on for long, the one that began last, so
// that none is ended for ever. nil: there is none.
func tooLong(running []*turn, waiting []drainArgs, now time.Time) *turn {
	if len(running) < drainers {
		return nil
	}
	first := running[0]
	owner, column := another(first.drainArgs, waiting)
	last := first
	for _, r := range running {
		owner, column = owner && r.Owner == first.Owner, column && r.ID == first.ID
		if r.end == nil || now.Sub(r.began) < longBatch {
			return nil
		}
		if r.began.After(last.began) {
			last = r
		}
	}
	if !owner && !column {
		return nil
	}
	return last
}

// errTurn ends a batch that makes way for others.
var errTurn = errors.New("it is another column's turn")

// enter notes that a job is worked on, until leave.
func (k *Keeper) enter(args drainArgs) *turn {
	t := &turn{drainArgs: args}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.running = append(k.running, t)
	return t
}

func (k *Keeper) leave(t *turn) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.running = slices.DeleteFunc(k.running, func(r *turn) bool { return r == t })
}

// step does a batch's work, which others may end: then the error is errTurn.
func (k *Keeper) step(ctx context.Context, t *turn, work func(context.Context) error) error {
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	k.mu.Lock()
	t.began, t.end = time.Now(), cancel
	k.mu.Unlock()
	err := work(inner)
	k.mu.Lock()
	t.end = nil
	k.mu.Unlock()
	if err != nil && context.Cause(inner) == errTurn {
		return errTurn
	}
	return err
}

// makeWay ends a batch where others have waited for long enough.
func (k *Keeper) makeWay(waiting []drainArgs) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if t := tooLong(k.running, waiting, time.Now()); t != nil {
		t.end(errTurn)
	}
}

// crowded is crowds of what is there now.
func (k *Keeper) crowded(ctx context.Context, t *turn) bool {
	k.mu.Lock()
	beside := slices.ContainsFunc(k.running, func(r *turn) bool { return r != t && r.Owner == t.Owner })
	k.mu.Unlock()
	if !beside {
		return false
	}
	waiting, err := k.waiting(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	return err == nil && crowds(t, k.running, waiting)
}

// waiting reads the jobs that no proxy works on yet.
func (k *Keeper) waiting(ctx context.Context) ([]drainArgs, error) {
	rows, err := k.write.Query(ctx, `SELECT DISTINCT (j.args->>'id')::bigint, (j.args->>'lane')::integer, coalesce((j.args->>'owner')::bigint, 0)
		FROM `+riverSchema+`.river_job j WHERE j.state = 'available' AND j.queue = $1 AND j.kind = $2 AND j.scheduled_at <= clock_timestamp()`, riverQueue, drainArgs{}.Kind())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[drainArgs])
}
