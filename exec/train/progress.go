package train

import (
	"fmt"
	"sync"
	"time"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models/learn"
)

// progressEvery is the least time between two notices of one training.
const progressEvery = 5 * time.Second

// progress tells the client how far a long training is: the fit of a search, the round and the engine's metrics where it has them, the best
// score so far, and the time that is left if what follows goes on as what was. Engines may report from any goroutine.
type progress struct {
	run   *run
	model int64
	fits  int // in all

	mu     sync.Mutex
	start  time.Time // of the first fit
	begun  time.Time // of this fit
	last   time.Time // of the last notice, or of the start
	spent  time.Duration
	done   int    // fits
	better string // the best score so far
}

func newProgress(r *run, model int64, s *search) *progress {
	p := &progress{run: r, model: model, fits: s.count() * s.folds, start: r.now()}
	if s.folds > 1 {
		p.fits++ // the last one, on the whole training part
	}
	p.last = p.start
	return p
}

// begin says that a fit starts, end that it is over.
func (p *progress) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begun = p.run.now()
	p.tell(0, 0)
}

func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	p.spent += p.run.now().Sub(p.begun)
}

// scored notes the best score so far.
func (p *progress) scored(r *results) {
	mean, _ := moments(r.scores[r.best()])
	p.mu.Lock()
	defer p.mu.Unlock()
	p.better = fmt.Sprintf(", best %s so far %s", r.key, display(mean, 32))
}

// round is the learn.Progress of a fit.
func (p *progress) round(done, total int, scores ...learn.Score) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tell(done, total, scores...)
}

// tell sends a notice, if it is time for one. The lock is held.
func (p *progress) tell(done, total int, scores ...learn.Score) {
	now := p.run.now()
	if now.Sub(p.last) < progressEvery {
		return
	}
	p.last = now
	text := fmt.Sprintf("Training Model %d", p.model)
	separator := ": "
	if p.fits > 1 {
		text += fmt.Sprintf("%sfit %d of %d", separator, p.done+1, p.fits)
		separator = ", "
	}
	if total > 0 {
		text += fmt.Sprintf("%sround %d of %d", separator, done, total)
	}
	for _, s := range scores {
		of := ""
		if !s.Held {
			of = " in training"
		}
		text += fmt.Sprintf(", %s%s %.5g", s.Name, of, s.Value)
	}
	text += p.better
	if left, known := p.left(now, done, total); known {
		text += fmt.Sprintf(", about %s left", left.Round(time.Second))
	}
	p.run.s.Message(function.Notice, text)
}

// left estimates the time to the end: this fit's by its rounds, the others' by the mean of the fits so far.
func (p *progress) left(now time.Time, done, total int) (left time.Duration, known bool) {
	here, fit := now.Sub(p.begun), time.Duration(0)
	switch {
	case done > 0 && total > 0:
		fit = time.Duration(float64(here) * float64(total) / float64(done))
	case p.done > 0:
		fit = p.spent / time.Duration(p.done)
	default:
		return 0, false
	}
	left = max(0, fit-here)
	if rest := p.fits - p.done - 1; rest > 0 {
		left += time.Duration(rest) * (p.spent + fit) / time.Duration(p.done+1)
	}
	return left, true
}
