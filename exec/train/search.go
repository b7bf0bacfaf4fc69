package train

import (
	"encoding/json"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/pgowl/pgowl/exec/function"
)

// search says which hyperparameters are tried, and on how many folds of the training part each.
//
// The candidates are the product of hyperparams, with one value each, and search_params, each an array of values. They are counted in
// the order of scikit-learn's ParameterGrid: by name, the last one varying fastest.
type search struct {
	fixed  map[string]any // hyperparams
	names  []string       // of search_params, sorted
	values [][]any        // by name
	size   int            // of the product
	draws  int            // how many of it a random search tries; 0: all
	folds  int            // 1: none, each candidate is fitted on the whole training part and scored on the test part
	picks  []int          // the places in the product that draw has chosen; nil for all of them
}

// maxCandidates bounds what one search may try: each of them leaves a row of figures in the registry.
const maxCandidates = 100_000

// newSearch reads the arguments, which checkArguments has found to be objects. Errors are PostgresML's where it has one.
func newSearch(req *Request, hyperparams map[string]any, params, args map[string]json.RawMessage) (*search, error) {
	s := &search{fixed: hyperparams, size: 1, folds: 1, names: slices.Sorted(maps.Keys(params))}
	for _, name := range slices.Sorted(maps.Keys(args)) {
		if name != "n_iter" && name != "cv" {
			return nil, function.Errorf("XX000", "Unknown search_args => %q: %s", name, clip(string(args[name]), 200))
		}
	}
	draws := 10
	if req.Search != "" {
		s.folds = 5
	}
	if err := whole("n_iter", args["n_iter"], &draws, 1); err != nil {
		return nil, err
	}
	if err := whole("cv", args["cv"], &s.folds, 0); err != nil {
		return nil, err
	}
	s.folds = max(s.folds, 1)
	for _, name := range s.names {
		if _, both := hyperparams[name]; both {
			return nil, function.Errorf("XX000", "`%s` cannot be present in both hyperparams and search_params. Please choose one or the other.", name)
		}
		var values []any
		if err := json.Unmarshal(params[name], &values); err != nil || len(values) == 0 {
			return nil, function.Errorf("22023", "pgml.train: search_params %q must be an array of values to try, not %s", name, clip(string(params[name]), 200))
		}
		if s.size > math.MaxInt/len(values) {
			return nil, function.Errorf("54000", "pgml.train: search_params have more combinations than can be counted")
		}
		s.values = append(s.values, values)
		s.size *= len(values)
	}
	if req.Search == "random" && draws < s.size {
		s.draws = draws
	}
	if s.count() > maxCandidates {
		return nil, function.Errorf("54000", "pgml.train: a search of %d combinations is too large, the most is %d", s.count(), maxCandidates).
			WithHint("search => 'random' tries n_iter of them.")
	}
	return s, nil
}

// whole reads an entry of search_args that must be a whole number from least on. null leaves the default.
func whole(name string, text json.RawMessage, to *int, least int) error {
	if len(text) == 0 || string(text) == "null" {
		return nil
	}
	n, err := strconv.Atoi(string(text))
	if err != nil || n < least || n > math.MaxInt32 {
		return function.Errorf("22023", "pgml.train: search_args %q must be a whole number from %d on, not %s", name, least, clip(string(text), 200))
	}
	*to = n
	return nil
}

// count is the number of candidates.
func (s *search) count() int {
	if s.draws > 0 {
		return s.draws
	}
	return s.size
}

// one says that there is nothing to choose and nothing to hold back: a plain training.
func (s *search) one() bool { return s.count() == 1 && s.folds == 1 }

// draw chooses the candidates of a random search, without replacement (Floyd's algorithm). The same seed chooses the same.
func (s *search) draw(seed uint64) {
	if s.draws == 0 {
		return
	}
	random := rand.New(rand.NewPCG(seed, 0x7067_6f77_6c00_0002))
	chosen := make(map[int]bool, s.draws)
	s.picks = s.picks[:0]
	for last := s.size - s.draws; last < s.size; last++ {
		pick := random.IntN(last + 1)
		if chosen[pick] {
			pick = last
		}
		chosen[pick] = true
		s.picks = append(s.picks, pick)
	}
	slices.Sort(s.picks)
}

// candidate is the i-th set of hyperparameters. The caller may keep it.
func (s *search) candidate(i int) map[string]any {
	if s.picks != nil {
		i = s.picks[i]
	}
	all := make(map[string]any, len(s.fixed)+len(s.names))
	maps.Copy(all, s.fixed)
	for k := len(s.names) - 1; k >= 0; k-- {
		n := len(s.values[k])
		all[s.names[k]] = s.values[k][i%n]
		i /= n
	}
	return all
}
