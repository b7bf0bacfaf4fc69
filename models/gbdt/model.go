package gbdt

import (
	"github.com/pgowl/pgowl/models/learn"
)

var _ learn.Model = (*Model)(nil)

// Limits of a model, in training and in decoding. PostgresML's arrays and the 1600 columns of a table stay far below.
const (
	maxFeatures = 1 << 24
	maxClasses  = 1 << 16
)

// Model is a fitted ensemble of trees. It is immutable.
type Model struct {
	features  int
	classes   int // 0 for a regression
	groups    int // margins a row: one, or one a class
	parallel  int // trees a round and group
	objective objectiveID
	base      float32
	trees     []tree     // by round, then by group
	byRows    bool       // explanations weigh children by rows instead of by cover
	fast      []ensemble // for one row and a few, by group
	sweep     *sweeper   // for many; nil where that would be slower
}

// Features is the width of a row.
func (m *Model) Features() int { return m.features }

// Classes is the number of classes, 0 for a regression.
func (m *Model) Classes() int { return m.classes }

// Trees is the number of trees: rounds times the trees of a round.
func (m *Model) Trees() int { return len(m.trees) }

// statistics says whether the trees know the gain and cover of their nodes. Models that were stored before version 2 of the format do not.
func (m *Model) statistics() bool {
	for i := range m.trees {
		if m.trees[i].stats == nil {
			return false
		}
	}
	return len(m.trees) > 0
}

// group is the margin that tree i adds to.
func (m *Model) group(i int) int { return i / m.parallel % m.groups }

// layOut prepares the form that predictions use.
func (m *Model) layOut() {
	by := make([][]tree, m.groups)
	for i, t := range m.trees {
		by[m.group(i)] = append(by[m.group(i)], t)
	}
	m.fast = make([]ensemble, m.groups)
	for k := range by {
		m.fast[k] = newEnsemble(by[k])
	}
	if sweeps {
		m.sweep = newSweeper(by)
	}
}
