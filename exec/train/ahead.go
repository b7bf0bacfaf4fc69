package train

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/pgowl/pgowl/models/learn"
)

// Ahead is what a training reads, read by COPY before the statement that trains: on the same connection, in the same transaction and by the same role.
// It is a guess at what the statement will ask for. Where the guess is wrong the statement reads for itself, as it always can.
//
// LookAhead makes one. Columns says what it has to know, which Found takes; COPY's data then go to Write.
type Ahead struct {
	args     string // of the call
	request  Request
	relation relation
	task     learn.Task
	snapshot *snapshot
	sql      string
	data     tuples
	failed   error // of data; the statement fails with it when it comes to reading
	rows     atomic.Int64
}

// LookAhead reads the arguments of a training as pgml.train hands them on. It gives nil where nothing can be read beforehand, or where the training would
// fail before it read: the statement will say why. task tells the task of a project as far as others can see it, "" where there is none.
func LookAhead(args []byte, task func(project string) (string, error)) *Ahead {
	req, err := Decode(args)
	if err != nil || req.Relation == nil || req.Label == nil || req.Materialize {
		return nil // a materialised snapshot is read from its copy, which the statement makes
	}
	a := &Ahead{args: string(args), request: req}
	if (&run{req: req}).checkArguments() != nil {
		return nil
	}
	if a.relation, err = parseRelation(*req.Relation); err != nil {
		return nil
	}
	known, err := task(req.Project)
	if err != nil {
		return nil
	}
	a.task = learn.Task(known)
	if req.Task != nil {
		asked, err := parseTask(*req.Task)
		if err != nil || known != "" && asked != a.task {
			return nil
		}
		a.task = asked
	}
	if a.task != learn.Regression && a.task != learn.Classification {
		return nil
	}
	return a
}

// Columns is the query that tells the relation's columns, with its parameter of type jsonb, whose rows Found takes.
func (a *Ahead) Columns() (sql string, args []byte) {
	args, _ = json.Marshal(a.relation.args())
	return relationColumns, args
}

// Found takes the rows of Columns, as a JSON array of objects. It reports whether there is something to be read.
func (a *Ahead) Found(rows []byte) bool {
	var found []*column
	if json.Unmarshal(rows, &found) != nil || len(found) == 0 {
		return false
	}
	columns := readable(found)
	if len(columns) == 0 || !columns[0].Readable {
		return false
	}
	ps, err := parsePreprocess(a.request.Preprocess)
	if err != nil {
		return false
	}
	a.snapshot = &snapshot{fresh: true, from: a.relation}
	if a.snapshot.use(columns, *a.request.Label, a.task, ps, a.request.asked(), a.request.More...) != nil {
		return false
	}
	if r := (&run{req: a.request}); r.groupBy(a.snapshot) != nil {
		return false
	}
	a.sql = copySQL(a.relation, a.snapshot.features, a.snapshot.list())
	a.data.decoder = decoder{features: a.snapshot.features, labels: a.snapshot.labels, asides: a.snapshot.asides}
	return true
}

// SQL is the COPY whose data Write takes.
func (a *Ahead) SQL() string { return a.sql }

// Write takes the next piece of the COPY's data. It does not keep it.
func (a *Ahead) Write(piece []byte) {
	if a.failed == nil {
		a.failed = a.data.Write(piece)
		a.rows.Store(int64(a.data.x.rows))
	}
}

// Progress is a message about how far reading is. It may be asked for while data are written.
func (a *Ahead) Progress() string {
	return fmt.Sprintf("Reading %s: %d rows", a.relation.SQL(), a.rows.Load())
}

// Is reports whether what was read is what a call with these arguments wants.
func (a *Ahead) Is(args []byte) bool { return a != nil && a.args == string(args) }

// fits reports whether the relation is still what it was: in between nobody could change it, but another may have come under its name.
func (a *Ahead) fits(snap *snapshot, task learn.Task) bool {
	return a != nil && snap.fresh && !snap.materialized && task == a.task && slices.Equal(snap.order, a.snapshot.order) && len(snap.asides) == len(a.snapshot.asides) &&
		a.sql == copySQL(snap.from, snap.features, snap.list())
}

// decoded reads the snapshot's rows with the caller's rights, or takes those that were read ahead.
func (r *run) decoded(ctx context.Context, snap *snapshot) (*decoder, error) {
	a := r.ahead
	r.ahead = nil
	if !a.fits(snap, r.task) {
		d := &decoder{features: snap.features, labels: snap.labels, asides: snap.asides}
		return d, r.stream(ctx, d, snap)
	}
	if a.failed == nil {
		a.failed = a.data.Close()
	}
	if a.failed != nil {
		return nil, a.failed
	}
	// The snapshot's own are in use already; what reading has found out about them goes there.
	for i := range snap.features {
		f, read := &snap.features[i], &a.data.features[i]
		f.width, f.offset, f.missing, f.infinite, f.texts = read.width, read.offset, read.missing, read.infinite, read.texts
	}
	*snap.labels = *a.data.labels
	for i := range snap.asides {
		*snap.asides[i] = *a.data.asides[i]
	}
	d := &decoder{features: snap.features, labels: snap.labels, asides: snap.asides, x: a.data.x}
	a.data, a.snapshot = tuples{}, nil // somebody may hold on to a, and not to the data
	return d, nil
}
