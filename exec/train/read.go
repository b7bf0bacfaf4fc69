package train

import (
	"context"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models/learn"
)

// dataset is what was read, in its two parts.
type dataset struct {
	train, test learn.Dataset
	features    []feature
	labels      *labels
	others      parts  // of a joint training: the labels after the first
	group       *group // what the model is divided by; nil for one model
	asides      asides // what is known of rows beside features and labels
	distinct    int    // different labels in both parts
	seed        uint64 // of the split
}

// read reads the snapshot's rows with the caller's rights, checks them and splits them.
func (r *run) read(ctx context.Context, p project, snap *snapshot) (*dataset, error) {
	d, err := r.decoded(ctx, snap)
	if err != nil {
		return nil, err
	}
	for _, check := range []func() error{d.labels.checkAll, d.asides.check, d.check} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	count, err := testRows(snap.testSize, d.x.rows)
	if err != nil {
		return nil, err
	}
	// A materialised snapshot keeps its parts from one training to the next.
	seed := uint64(snap.id)
	if !snap.materialized {
		seed = r.seed()
	}
	y := d.labels.finish()
	if err := d.labels.checkClasses(); err != nil {
		return nil, err
	}
	classes := 0
	if p.Task == learn.Classification {
		classes = len(d.labels.classes)
	}
	marked, err := split(snap.sampling, y, classes, count, seed)
	if queries := d.asides.of(asks); err == nil && queries != nil {
		marked, err = splitQueries(snap.sampling, queries.codes, count, seed)
		count = 0
		for _, test := range marked {
			count += b2i(test)
		}
	}
	if err != nil {
		return nil, err
	}
	data := &dataset{features: d.features, labels: d.labels, distinct: d.labels.distinct(y), seed: seed}
	data.train.Y, data.test.Y = make([]float32, 0, d.x.rows-count), make([]float32, 0, count)
	for i, test := range marked {
		if test {
			data.test.Y = append(data.test.Y, y[i])
		} else {
			data.train.Y = append(data.train.Y, y[i])
		}
	}
	data.divide(marked)
	if err := data.divideAsides(d.asides, marked); err != nil {
		return nil, err
	}
	data.train.Rows, data.train.Classes, data.train.ClassLabels = d.x.rows-count, classes, d.labels.classes
	data.test.Rows, data.test.Classes, data.test.ClassLabels = count, classes, d.labels.classes
	if err := d.prepare(ctx, data, marked, y); err != nil {
		return nil, err
	}
	return data, nil
}

// stream reads the snapshot's rows through the call.
func (r *run) stream(ctx context.Context, d *decoder, snap *snapshot) error {
	if err := r.s.Stream(ctx, function.Caller, statement(snap.from, snap.features, snap.list()), d.Write); err != nil {
		return err
	}
	return d.Close()
}
