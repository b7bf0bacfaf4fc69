package train

import (
	"context"
	"fmt"
	"slices"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models/learn"
	"github.com/pgowl/pgowl/models/preprocess"
)

// snapshotColumn is an entry of pgml.snapshots.columns.
type snapshotColumn struct {
	Name         string             `json:"name"`
	Type         string             `json:"pg_type"`
	Nullable     bool               `json:"nullable"`
	Label        bool               `json:"label"`
	Position     int                `json:"position"` // from 1
	Size         int                `json:"size"`     // elements of an array, else 1
	Array        bool               `json:"array"`
	Preprocessor preprocess.Options `json:"preprocessor"`
	Role         role               `json:"role,omitempty"` // of a column that is neither a feature nor a label
	Statistics   *statistics        `json:"statistics"`     // null until a training has looked
}

// snapshot says what is trained on.
type snapshot struct {
	id           int64
	fresh        bool
	materialized bool
	from         relation // what to read
	features     []feature
	labels       *labels
	asides       asides
	order        []column // features, label and what has a role, as the relation has them
	testSize     float32
	sampling     string
}

// snapshotRow is a row of pgml.snapshots.
type snapshotRow struct {
	ID           int64    `json:"id"`
	Relation     string   `json:"relation_name"`
	Labels       []string `json:"y_column_name"`
	TestSize     float32  `json:"test_size"`
	Sampling     string   `json:"test_sampling"`
	Materialized bool     `json:"materialized"`
	ChosenBy     string   `json:"chosen_by"` // who passed relation_name; empty where that is not known
	Trusted      bool     `json:"trusted"`   // a superuser, or the owner
	Columns      []struct {
		Name         string             `json:"name"`
		Preprocessor preprocess.Options `json:"preprocessor"`
		Role         role               `json:"role"`
	} `json:"columns"`
}

const (
	lastSnapshot = `
SELECT s.id, s.relation_name, s.y_column_name, s.test_size, s.test_sampling::text AS test_sampling,
	coalesce(s.materialized, false) AS materialized, s.columns, chosen.by AS chosen_by,
	coalesce(chosen.by = current_user OR (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = chosen.by), false) AS trusted
FROM pgml.snapshots s,
	LATERAL (SELECT (SELECT m.trained_by FROM pgml.models m WHERE m.snapshot_id = s.id ORDER BY m.id LIMIT 1) AS by) chosen
WHERE s.id = (SELECT max(m.snapshot_id) FROM pgml.models m WHERE m.project_id = ($1->>'project')::bigint)`

	newSnapshot = `
INSERT INTO pgml.snapshots (relation_name, y_column_name, test_size, test_sampling, status, materialized)
VALUES ($1->>'relation', ARRAY(SELECT jsonb_array_elements_text($1->'labels')), ($1->>'test_size')::real, ($1->>'test_sampling')::pgml.sampling, 'in_progress',
	($1->>'materialized')::boolean)
RETURNING id`

	analyzedSnapshot = `
UPDATE pgml.snapshots SET columns = $1->'columns', analysis = $1->'analysis' WHERE id = ($1->>'id')::bigint RETURNING id`
)

type idRow struct {
	ID int64 `json:"id"`
}

// findSnapshot makes a snapshot of the relation, or finds the project's last one where no relation is given.
func (r *run) findSnapshot(ctx context.Context, p project) (*snapshot, error) {
	if r.req.Relation == nil {
		return r.reuseSnapshot(ctx, p)
	}
	if r.req.Label == nil {
		return nil, function.Errorf("XX000", "You must pass a `y_column_name` when you pass a `relation_name` for a supervised task.")
	}
	return r.makeSnapshot(ctx, p.Task)
}

// makeSnapshot makes the snapshot that the arguments ask for.
func (r *run) makeSnapshot(ctx context.Context, task learn.Task) (*snapshot, error) {
	ps, err := parsePreprocess(r.req.Preprocess)
	if err != nil {
		return nil, err
	}
	rel, err := parseRelation(*r.req.Relation)
	if err != nil {
		return nil, err
	}
	columns, err := r.columns(ctx, rel)
	if err != nil {
		return nil, err
	}
	snap := &snapshot{fresh: true, from: rel, testSize: r.req.TestSize, sampling: r.req.TestSampling}
	if err := snap.use(columns, *r.req.Label, task, ps, r.req.asked(), r.req.More...); err != nil {
		return nil, err
	}
	r.info(fmt.Sprintf(`Snapshotting table "%s", this may take a little while...`, *r.req.Relation))
	row, err := one[idRow](ctx, r.s, newSnapshot, map[string]any{
		"relation": *r.req.Relation, "labels": append([]string{*r.req.Label}, r.req.More...), "test_size": snap.testSize, "test_sampling": snap.sampling,
		"materialized": r.req.Materialize,
	})
	if err != nil {
		return nil, err
	}
	snap.id = row.ID
	if r.req.Materialize {
		if err := r.materialize(ctx, snap); err != nil {
			return nil, err
		}
		r.info(fmt.Sprintf(`Snapshot of table "%s" created and saved in %s`, *r.req.Relation, snap.from.SQL()))
	}
	return snap, nil
}

// reuseSnapshot reads again what the project was trained on last: the same relation (or its copy), columns, label, test size
// and sampling.
func (r *run) reuseSnapshot(ctx context.Context, p project) (*snapshot, error) {
	rows, err := query[snapshotRow](ctx, r.s, function.Owner, lastSnapshot, map[string]any{"project": p.ID})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, function.Errorf("XX000", "You must pass a `relation_name` and `y_column_name` to snapshot the first time you train a model.")
	}
	row := rows[0]
	if len(row.Labels) == 0 {
		return nil, function.Errorf("0A000", "pgml.train: snapshot %d has no label; training without one is not available in PgOwl yet", row.ID)
	}
	snap := &snapshot{id: row.ID, materialized: row.Materialized, testSize: row.TestSize, sampling: row.Sampling}
	if row.Materialized {
		snap.from = copyOf(row.ID)
	} else if snap.from, err = parseRelation(row.Relation); err != nil {
		return nil, err
	} else if err := r.mayReuse(ctx, &row, snap.from); err != nil {
		return nil, err
	}
	found, err := r.columns(ctx, snap.from)
	if err != nil {
		return nil, err
	}
	columns := found
	ps := preprocessors{}
	asked := r.req.asked()
	if len(row.Columns) > 0 { // the relation may have got more since
		columns = nil
		byName := map[string]column{}
		for _, c := range found {
			byName[c.Name] = c
		}
		for _, c := range row.Columns {
			f, ok := byName[c.Name]
			if !ok {
				return nil, function.Errorf("42703", `Column "%s" of snapshot %d is not in relation %s any more`, c.Name, row.ID, snap.from.SQL())
			}
			// What has a role keeps it, and is no feature either when another column is given it now.
			if now, given := asked[c.Role]; c.Role != "" && !given {
				asked[c.Role] = c.Name
			} else if c.Role != "" && now != c.Name {
				continue
			}
			columns = append(columns, f)
			if c.Role == "" {
				ps[c.Name] = c.Preprocessor
			}
		}
		for _, name := range asked {
			delete(ps, name) // a role says more than how the column was to be prepared as a feature
		}
	}
	if err := snap.use(columns, row.Labels[0], p.Task, ps, asked, row.Labels[1:]...); err != nil {
		return nil, err
	}
	if given, err := parsePreprocess(r.req.Preprocess); err != nil {
		return nil, err
	} else if len(given) > 0 && !given.within(ps) {
		r.warn(fmt.Sprintf("The snapshot %s keeps its own preprocess. Pass a relation_name to make one with another.", copyOf(row.ID).SQL()))
	}
	r.info(fmt.Sprintf(`Using existing snapshot from %s`, copyOf(row.ID).SQL()))
	return snap, nil
}

// list is what the reading statement asks for behind the features.
func (s *snapshot) list() string { return s.labels.list() + s.asides.list() }

// use takes the columns apart, and gives them their preprocessors. asked are the columns with a role, more the further labels of a joint training.
func (s *snapshot) use(columns []column, label string, task learn.Task, ps preprocessors, asked map[role]string, more ...string) error {
	known, taken, err := takeAside(columns, asked, func(name string) bool { return name == label || slices.Contains(more, name) })
	if err != nil {
		return err
	}
	rest, label, others, err := setAside(known, label, more)
	if err != nil {
		return err
	}
	fs, y, err := features(rest, label)
	if err != nil {
		return err
	}
	s.features, s.order, s.asides = fs, columns, taken
	if s.labels, err = newLabels(y, task); err != nil {
		return err
	}
	if err := s.labels.join(others, task); err != nil {
		return err
	}
	for _, a := range taken {
		if _, named := ps[a.Name]; named {
			return function.Errorf("22023", "pgml.train: \"%s\" is the %s, and cannot be preprocessed", clip(a.Name, 100), a.role)
		}
	}
	return ps.apply(fs, func(name string) bool { return s.labels.named(name) != nil })
}

// columns are the entries of pgml.snapshots.columns, with the statistics of the features as far as they are known.
func (s *snapshot) columns() []snapshotColumn {
	columns := make([]snapshotColumn, len(s.order))
	next := 0
	for i, c := range s.order {
		columns[i] = snapshotColumn{Name: c.Name, Type: c.Type, Nullable: c.Nullable, Position: i + 1, Size: 1, Array: c.Array, Preprocessor: preprocess.Default}
		columns[i].Role = s.asides.named(c.Name)
		if columns[i].Label = s.labels.named(c.Name) != nil; columns[i].Label || columns[i].Role != "" {
			continue
		}
		f := &s.features[next]
		next++
		if f.Array && f.width > 0 {
			columns[i].Size = f.width
		}
		columns[i].Preprocessor = f.options
		if f.statistics.Histogram != nil {
			columns[i].Statistics = &f.statistics
		}
	}
	return columns
}

// analyze tells about the data, and records it in a fresh snapshot. A snapshot that is used again keeps its own record: two
// trainings of one project must not wait for each other's transactions.
func (r *run) analyze(ctx context.Context, snap *snapshot, data *dataset) error {
	r.info(fmt.Sprintf("Dataset { num_features: %d, num_labels: %d, num_distinct_labels: %d, num_rows: %d, num_train_rows: %d, num_test_rows: %d }",
		data.train.Features, snap.labels.count(), data.distinct, data.train.Rows+data.test.Rows, data.train.Rows, data.test.Rows))
	columns := snap.columns()
	for i := range columns {
		c := &columns[i]
		if l := snap.labels.named(c.Name); l != nil {
			labels := l.describe(data.labelsOf(l))
			c.Statistics = &labels
		}
		r.info(fmt.Sprintf("Column %q: %v", c.Name, c.Statistics))
	}
	if !snap.fresh {
		return nil
	}
	_, err := one[idRow](ctx, r.s, analyzedSnapshot, map[string]any{
		"id": snap.id, "columns": columns, "analysis": map[string]any{"samples": data.train.Rows + data.test.Rows},
	})
	return err
}
