package vectorize

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestPlan(t *testing.T) {
	column := func(id, owner, waiting int64) due { return due{ID: &id, Waiting: &waiting, Owner: &owner} }
	now := time.Now()
	var many []due
	for id := range int64(ownerJobs + 3) {
		many = append(many, column(id+1, 7, 1))
	}
	for name, c := range map[string]struct {
		columns []due
		waiting []drainArgs
		asked   map[int64]time.Time
		want    string // column/lane:priority
	}{
		"one":                             {[]due{column(1, 7, 3)}, nil, nil, "1/0:1"},
		"nothing waits, but back-filling": {[]due{column(1, 7, 0)}, nil, nil, "1/0:1"},
		"a backlog":                       {[]due{column(1, 7, 1000)}, nil, nil, "1/0:1 1/1:3 1/2:3"},
		"no more lanes than there are":    {[]due{column(1, 7, 1e6)}, nil, nil, "1/0:1 1/1:3 1/2:3 1/3:3 1/4:3 1/5:3 1/6:3 1/7:3 1/8:3 1/9:3 1/10:3 1/11:3 1/12:3 1/13:3 1/14:3 1/15:3"},
		"jobs that wait already":          {[]due{column(1, 7, 1000)}, []drainArgs{{1, 0, 7}, {1, 2, 7}}, nil, "1/1:3"},
		"two of an owner":                 {[]due{column(1, 7, 1), column(2, 7, 1), column(3, 8, 1)}, nil, nil, "1/0:1 2/0:2 3/0:1"},
		"another of an owner's waits":     {[]due{column(2, 7, 1)}, []drainArgs{{1, 0, 7}}, nil, "2/0:2"},
		"another's lane waits":            {[]due{column(2, 7, 1)}, []drainArgs{{1, 3, 7}}, nil, "2/0:1"},
		"the one asked for longest ago":   {[]due{column(1, 7, 1), column(2, 7, 1), column(3, 7, 1)}, nil, map[int64]time.Time{1: now, 2: now.Add(-1), 3: now.Add(1)}, "2/0:1 1/0:2 3/0:2"},
		"many of an owner":                {append(many, column(99, 8, 1)), nil, nil, "1/0:1 2/0:2 3/0:2 4/0:2 5/0:2 6/0:2 7/0:2 8/0:2 9/0:2 10/0:2 11/0:2 12/0:2 13/0:2 14/0:2 15/0:2 16/0:2 99/0:1"},
	} {
		var got []string
		for _, j := range plan(c.columns, c.waiting, c.asked) {
			got = append(got, fmt.Sprintf("%d/%d:%d", j.ID, j.Lane, j.priority))
		}
		if all := strings.Join(got, " "); all != c.want {
			t.Errorf("%s: got %s, want %s", name, all, c.want)
		}
	}
}

func TestTurns(t *testing.T) {
	now := time.Now()
	end := func(error) {}
	a1, a2, b1 := drainArgs{1, 0, 7}, drainArgs{2, 0, 7}, drainArgs{3, 0, 8}
	at := func(args drainArgs, ago time.Duration) *turn { return &turn{args, now.Add(-ago), end} }
	long := 2 * longBatch
	for name, c := range map[string]struct {
		running []*turn // the first is the one that begins
		waiting []drainArgs
		crowds  bool
		ended   int // of running; -1: none
	}{
		"nobody waits":                    {[]*turn{at(a1, long), at(a1, long)}, nil, false, -1},
		"only their own wait":             {[]*turn{at(a1, long), at(a1, long)}, []drainArgs{{1, 5, 7}}, false, -1},
		"another column waits":            {[]*turn{at(a1, long), at(a1, 3*long)}, []drainArgs{a2}, true, 0},
		"another owner's column waits":    {[]*turn{at(a1, 3*long), at(a2, long)}, []drainArgs{b1}, true, 1},
		"only the same owner's waits":     {[]*turn{at(a1, long), at(a2, long)}, []drainArgs{{9, 0, 7}}, false, -1},
		"one of them will soon be done":   {[]*turn{at(a1, long), at(a2, longBatch/2)}, []drainArgs{b1}, true, -1},
		"another owner has a turn":        {[]*turn{at(a1, long), at(b1, long)}, []drainArgs{{9, 0, 8}}, false, -1},
		"a drainer is free":               {[]*turn{at(a1, long)}, []drainArgs{b1}, false, -1},
		"one is between batches":          {[]*turn{at(a1, long), {a2, now.Add(-long), nil}}, []drainArgs{b1}, true, -1},
		"the same column, of two owners?": {[]*turn{at(a1, long), at(drainArgs{1, 0, 9}, long)}, []drainArgs{b1}, true, 0},
	} {
		if got := crowds(c.running[0], c.running, c.waiting); got != c.crowds {
			t.Errorf("%s: makes way %t, want %t", name, got, c.crowds)
		}
		which := -1
		for i, r := range c.running {
			if r == tooLong(c.running, c.waiting, now) {
				which = i
				break
			}
		}
		if which != c.ended {
			t.Errorf("%s: %d is ended, want %d", name, which, c.ended)
		}
	}
}

// A batch that makes way is told from one that fails, and from the end of all.
func TestABatchIsEnded(t *testing.T) {
	k := &Keeper{}
	first, second := k.enter(drainArgs{1, 0, 7}), k.enter(drainArgs{1, 1, 7})
	block := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for _, r := range k.running {
		r.began, r.end = time.Now().Add(-time.Minute), func(error) {}
	}
	began := make(chan struct{})
	result := make(chan error)
	go func() {
		result <- k.step(t.Context(), second, func(ctx context.Context) error { close(began); return block(ctx) })
	}()
	<-began
	k.makeWay([]drainArgs{{2, 0, 7}})
	k.mu.Lock()
	if second.end == nil {
		t.Error("one that has just begun was ended")
	}
	second.began = time.Now().Add(-time.Second * 30)
	k.mu.Unlock()
	k.makeWay([]drainArgs{{1, 3, 7}})
	k.makeWay([]drainArgs{{2, 0, 7}})
	if err := <-result; err != errTurn {
		t.Errorf("got %v, want its turn's end", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := k.step(ctx, first, block); !errors.Is(err, context.Canceled) || err == errTurn {
		t.Errorf("got %v", err)
	}
	if err := k.step(t.Context(), first, func(context.Context) error { return errText }); err != errText {
		t.Errorf("got %v", err)
	}
	k.leave(first)
	if len(k.running) != 1 || k.running[0] != second {
		t.Errorf("%d are left", len(k.running))
	}
}
