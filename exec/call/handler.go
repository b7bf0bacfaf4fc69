// Package call is the proxy's side of the call lane: it takes the requests that functions in the database send over a session,
// runs what they ask for, and answers through a mailbox. The other side is exec/catalog/sql/pgowl/repeatable/20_call.sql.
package call

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/exec/mailbox"
	"go.uber.org/zap"
)

// Func computes one call. args are the arguments in binary form, nil for NULL; the answer is a value in text form.
type Func func(ctx context.Context, s function.Session, args [][]byte) (string, error)

// ArrayFunc computes a call whose value is an array, which may be long.
type ArrayFunc func(ctx context.Context, s function.Session, args [][]byte) (Array, error)

// Array is an array in one form or the other: binary is megabytes that the database need not parse.
type Array interface {
	Text() string
	Binary() []byte
}

// Lane is what the handlers of all sessions share.
type Lane struct {
	Key       string // of pgowl.secret
	Mail      *mailbox.Pool
	Functions map[string]Func
	Arrays    map[string]ArrayFunc // for pgowl.call_vectors
	Log       *zap.Logger
}

// Client is the session as a handler sees it.
type Client interface {
	// SendMessage sends a message to the client, between two messages of the server.
	SendMessage(severity function.Severity, text string)
	// ServerVersion is the server's version as a number, such as 150018.
	ServerVersion() int
}

// ErrOver is the cause of a cancelled call whose statement is over: it failed, was cancelled, or its session ended.
var ErrOver = errors.New("the calling statement is over")

// Handler serves the calls of one session. Message, Progress and Over are called by the goroutine that reads from the server.
type Handler struct {
	lane   *Lane
	client Client
	pid    uint32

	active atomic.Int32 // calls under way, so that Progress costs nothing without one
	holds  atomic.Bool  // whether ahead was set, so that Over costs nothing without it
	mu     sync.Mutex
	calls  map[string]*running
	ahead  any
	wait   sync.WaitGroup
}

// running is one call under way.
type running struct {
	h       *Handler
	id      string
	ctx     context.Context
	cancel  context.CancelCauseFunc
	fresh   bool
	results chan message // "rows" and "piece" messages for the function that waits for them

	finished chan struct{} // closed when the function has ended; last is its answer then
	last     string

	mu      sync.Mutex
	ticket  string // of the request that is to be answered
	box     *mailbox.Box
	others  []*mailbox.Box // of an answer that is spread
	said    string         // the answer, while it may have to be given again
	array   []byte         // that goes with the answer
	posting bool           // it is on its way
	rest    string         // of an answer in pieces
	seq     int
	final   bool // the answer ends the call
}

// NewHandler makes the handler of a session with a backend's process id.
func NewHandler(lane *Lane, pid uint32, client Client) *Handler {
	return &Handler{lane: lane, client: client, pid: pid, calls: map[string]*running{}}
}

// Message takes a message with SQLSTATE Code from the server. It reports whether it was a request of ours: if not, it is the client's.
func (h *Handler) Message(text, sum string) bool {
	m, ok := read(h.lane.Key, h.pid, text, sum)
	if !ok {
		return false
	}
	h.mu.Lock()
	r := h.calls[m.id]
	h.mu.Unlock()
	switch {
	case m.worker && r == nil && m.verb == "call":
		// What it may call there is in the database as SQL. This one lost its form while the statement was being planned, or somebody has changed a label; or
		// the message was taken from another session, and nothing is done for it.
		h.start(m, func(*running) string {
			return errorAnswer(function.Errorf("0A000", "PgOwl cannot be called by a parallel worker").WithHint("Set max_parallel_workers_per_gather to 0, or try again."))
		})
	case m.worker && m.verb != "again":
	case m.verb == "call" && r == nil && len(m.words) > 0:
		h.releaseBoxes()
		h.start(m, func(r *running) string { return r.run(m.words) })
	case r == nil && (m.verb == "rows" || m.verb == "again"):
		// Of a call that is over, or never was: somebody calls our inner functions by hand. Who waits gets an answer.
		h.start(m, func(*running) string {
			return errorAnswer(function.Errorf("55000", "there is no such call"))
		})
	case r == nil:
	case m.verb == "more":
		r.more()
	case m.verb == "again":
		r.again(m.ticket)
	case m.verb == "done":
		h.releaseBoxes()
	default:
		r.take(m.ticket)
		select {
		case r.results <- m:
		case <-r.ctx.Done():
		case <-r.finished:
			r.repeat(m)
		}
	}
	return true
}

// start begins a call; answer, which runs in a goroutine of its own, gives its last answer.
func (h *Handler) start(m message, answer func(r *running) string) {
	ctx, cancel := context.WithCancelCause(context.Background())
	r := &running{h: h, id: m.id, ctx: ctx, cancel: cancel, fresh: m.fresh, ticket: m.ticket, results: make(chan message), finished: make(chan struct{})}
	h.mu.Lock()
	h.calls[m.id] = r
	h.mu.Unlock()
	h.active.Add(1)
	h.wait.Add(1)
	go func() {
		defer h.wait.Done()
		r.last = answer(r)
		close(r.finished)
		r.answer(r.last)
	}()
}

// repeat answers what comes for a function that has ended already, in the middle of a stream for one that failed: the reader gets
// the function's answer when it asks.
func (r *running) repeat(m message) {
	if m.verb == "piece" {
		return
	}
	r.h.wait.Add(1)
	go func() {
		defer r.h.wait.Done()
		r.answer(r.last)
	}()
}

// run computes the call and gives its answer.
func (r *running) run(words []string) (answer string) {
	defer func() {
		if p := recover(); p != nil {
			r.h.lane.Log.Error("an engine function failed", zap.String("function", words[0]), zap.Any("panic", p), zap.Stack("stack"))
			answer = errorAnswer(function.Errorf("XX000", "pgml.%s failed inside PgOwl", words[0]))
		}
	}()
	f, list := r.h.lane.Functions[words[0]], r.h.lane.Arrays[words[0]]
	if f == nil && list == nil {
		return errorAnswer(function.Errorf("0A000", "pgml.%s is not available in this version of PgOwl", words[0]))
	}
	args := make([][]byte, 0, len(words)-1)
	for _, w := range words[1:] {
		arg, ok := bytes(w)
		if !ok {
			return errorAnswer(function.Errorf("XX000", "malformed call of pgml.%s", words[0]))
		}
		args = append(args, arg)
	}
	if list != nil {
		return r.runArray(list, args)
	}
	value, err := f(r.ctx, (*session)(r), args)
	switch {
	case err != nil:
		return errorAnswer(err)
	case value == "":
		return "N"
	}
	return valueAnswer(value)
}

// runArray computes an array, and gives it beside the answer where the reader sees new rows.
func (r *running) runArray(f ArrayFunc, args [][]byte) string {
	value, err := f(r.ctx, (*session)(r), args)
	switch {
	case err != nil:
		return errorAnswer(err)
	case r.fresh:
		r.array = value.Binary()
		return arrayAnswer
	}
	return valueAnswer(value.Text())
}

// answer posts an answer. A call is over with it unless the answer asks for something.
func (r *running) answer(text string) { r.answerTo(r.asker(), text) }

// asker is the ticket of the request that is to be answered.
func (r *running) asker() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ticket
}

func (r *running) answerTo(ticket, text string) {
	if err := r.post(ticket, text); err != nil && !errors.Is(err, ErrOver) {
		// The reader asks again after a second, or finds out by itself that no backend of ours is left.
		r.h.lane.Log.Warn("an answer could not be given", zap.Error(err))
	}
}

// post shows a text to the reader who waits with a ticket. Who has another one by now has read it, and must not see it again: an order would be
// carried out twice.
func (r *running) post(ticket, text string) error {
	r.mu.Lock()
	if r.ticket != ticket {
		r.mu.Unlock()
		return nil
	}
	r.said, r.posting = text, true
	r.mu.Unlock()
	err := r.tryPost(ticket, text)
	r.mu.Lock()
	r.posting = false
	r.mu.Unlock()
	return err
}

func (r *running) tryPost(ticket, text string) error {
	for {
		box, err := r.h.lane.Mail.Get(r.ctx)
		if err != nil {
			return err
		}
		if err = r.postIn(box, ticket, text); err == nil || r.ctx.Err() != nil || !box.Broken() { // of a call that is over, the box is another's by now
			return err
		}
		r.h.lane.Log.Debug("a mailbox was lost, another is taken", zap.Error(err))
	}
}

func (r *running) postIn(box *mailbox.Box, ticket, text string) (err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.releaseLocked()
	r.box = box
	if r.ticket != ticket {
		// The mailbox was lost, but not before the text had been read in it.
		r.releaseLocked()
		return nil
	}
	if r.ctx.Err() != nil {
		r.releaseLocked()
		return context.Cause(r.ctx)
	}
	r.seq = 0
	r.rest = text
	r.final = strings.IndexByte("VJNEW", text[0]) >= 0
	// Posting is not cut short by the statement's end: a half-sent query would cost the backend.
	ctx := context.WithoutCancel(r.ctx)
	if text == arrayAnswer {
		r.rest = ""
		if err = box.PostArray(ctx, r.mark(), r.id, text, r.array); err != nil {
			r.releaseLocked()
		}
		return err
	}
	if spread, err := r.spread(ctx, text); spread {
		if err != nil {
			r.releaseLocked()
		}
		return err
	}
	if r.fresh && !box.Fits(r.mark(), text) {
		r.rest = ""
		err = box.PostRow(ctx, r.mark(), r.id, text)
	} else {
		err = r.postPiece(ctx)
	}
	if err != nil {
		r.releaseLocked()
	}
	return err
}

// spread shows an answer in several boxes at once, where it needs and gets them. done is false where it did not come to that.
func (r *running) spread(ctx context.Context, text string) (done bool, err error) {
	n := r.box.Pieces(r.mark(), text)
	if n == 0 {
		return false, nil
	}
	if r.others = r.h.lane.Mail.More(ctx, n); r.others == nil {
		return false, nil
	}
	r.rest = ""
	err = r.box.Spread(ctx, "--"+r.id+r.ticket, r.mark(), text, r.others)
	if err == nil || r.box.Broken() {
		return true, err
	}
	r.h.lane.Log.Debug("a mailbox was lost, the answer goes another way", zap.Error(err))
	for _, b := range r.others {
		b.Release()
	}
	r.others, r.rest = nil, text
	return false, nil
}

func (r *running) postPiece(ctx context.Context) error {
	n, err := r.box.Post(ctx, r.mark(), r.rest)
	r.rest = r.rest[n:]
	r.seq++
	return err
}

func (r *running) mark() string {
	return "--" + r.id + r.ticket + ":" + strconv.Itoa(r.seq) + ":"
}

// more posts the next piece of an answer.
func (r *running) more() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.box == nil || r.rest == "" {
		return
	}
	if err := r.postPiece(context.WithoutCancel(r.ctx)); err != nil {
		r.h.lane.Log.Warn("an answer could not be given", zap.Error(err))
		r.releaseLocked()
	}
}

// take notes the next request's ticket; that the request came shows that the last answer has been read.
func (r *running) take(ticket string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.releaseLocked()
	r.ticket, r.said = ticket, ""
}

// again gives an answer once more, where there is one: the reader has waited long enough for it to have been lost.
func (r *running) again(ticket string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.said == "" || r.posting || r.ticket != ticket {
		return
	}
	text := r.said
	r.posting = true
	r.releaseLocked()
	r.h.wait.Add(1)
	go func() {
		defer r.h.wait.Done()
		r.answerTo(ticket, text)
	}()
}

func (r *running) release() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.releaseLocked()
}

func (r *running) releaseLocked() {
	for _, b := range r.others {
		b.Release()
	}
	r.others = nil
	// This one last, so that it is the first to be taken again: that is where the reader looks.
	if r.box != nil {
		r.box.Release()
		r.box = nil
	}
}

// Progress tells that the backend sent something else than a request: whatever was answered has been read.
func (h *Handler) Progress() {
	if h.active.Load() > 0 {
		h.releaseBoxes()
	}
}

// Busy reports whether calls are under way.
func (h *Handler) Busy() bool { return h.active.Load() > 0 }

// releaseBoxes takes back the boxes whose answers have been read, and forgets the calls that were answered for good.
func (h *Handler) releaseBoxes() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, r := range h.calls {
		r.mu.Lock()
		final := r.box != nil && r.final
		r.releaseLocked()
		r.mu.Unlock()
		if final {
			r.cancel(ErrOver)
			delete(h.calls, id)
			h.active.Add(-1)
		}
	}
}

// SetAhead keeps what was read for the statement that comes next (see function.Session), until a call takes it or Over. nil drops it.
func (h *Handler) SetAhead(data any) {
	h.mu.Lock()
	h.ahead = data
	h.mu.Unlock()
	h.holds.Store(data != nil)
}

func (h *Handler) takeAhead() any {
	h.mu.Lock()
	defer h.mu.Unlock()
	data := h.ahead
	h.ahead = nil
	return data
}

// Over ends the calls under way: the statement has ended, one way or the other.
func (h *Handler) Over() {
	if h.holds.Load() {
		h.SetAhead(nil)
	}
	if h.active.Load() == 0 {
		return
	}
	h.mu.Lock()
	calls := h.calls
	h.calls = map[string]*running{}
	h.mu.Unlock()
	for _, r := range calls {
		r.cancel(ErrOver)
		r.release()
		h.active.Add(-1)
	}
}

// Close ends all calls and waits for their goroutines.
func (h *Handler) Close() {
	h.Over()
	h.wait.Wait()
}
