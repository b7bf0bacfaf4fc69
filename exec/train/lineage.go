package train

import (
	"strconv"
	"time"
)

// lineage is what pgml.models.lineage holds: from what a model was made, so that it can be found out later, and made again where the data still are. The
// database adds session_user, who logged in, and pg_snapshot, what the session saw when the training began, as pg_current_snapshot() writes it.
type lineage struct {
	Relation  string    `json:"relation"` // as it was read: a materialised snapshot by the name of its copy
	Labels    []string  `json:"labels"`
	GroupBy   string    `json:"group_by,omitempty"`
	Weight    string    `json:"weight,omitempty"`
	QueryID   string    `json:"qid,omitempty"`
	Upper     string    `json:"label_upper_bound,omitempty"`
	Rows      int       `json:"rows"`
	TrainRows int       `json:"train_rows"`
	TestRows  int       `json:"test_rows"`
	TestSize  float32   `json:"test_size"`
	Sampling  string    `json:"test_sampling"`
	Seed      string    `json:"seed"`    // of all chance; a text, as it is a number of 64 bits
	ReadAt    time.Time `json:"read_at"` // when all rows were there
}

func lineageOf(snap *snapshot, data *dataset, read time.Time) lineage {
	l := lineage{Relation: snap.from.SQL(), Rows: data.train.Rows + data.test.Rows, TrainRows: data.train.Rows, TestRows: data.test.Rows,
		TestSize: snap.testSize, Sampling: snap.sampling, Seed: strconv.FormatUint(data.seed, 10), ReadAt: read.UTC().Truncate(time.Microsecond)}
	if data.group != nil {
		l.GroupBy = data.group.column
	}
	for as, to := range map[role]*string{weighs: &l.Weight, asks: &l.QueryID, bounded: &l.Upper} {
		if a := data.asides.of(as); a != nil {
			*to = a.Name
		}
	}
	for _, one := range data.labels.all() {
		l.Labels = append(l.Labels, one.Name)
	}
	return l
}
