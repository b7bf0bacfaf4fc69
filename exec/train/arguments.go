package train

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models/learn"
)

// checkArguments refuses what cannot be done yet, and misuse that PostgresML refuses too.
func (r *run) checkArguments() error {
	var hyperparams, searchParams, searchArgs map[string]json.RawMessage
	for _, o := range []struct {
		name string
		text json.RawMessage
		to   *map[string]json.RawMessage
	}{
		{"hyperparams", r.req.Hyperparams, &hyperparams}, {"search_params", r.req.SearchParams, &searchParams},
		{"search_args", r.req.SearchArgs, &searchArgs},
	} {
		if len(o.text) == 0 {
			continue
		}
		if err := json.Unmarshal(o.text, o.to); err != nil {
			return function.Errorf("22023", "pgml.train: %s must be a JSON object: %v", o.name, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(searchParams)) {
		if _, both := hyperparams[name]; both {
			return function.Errorf("XX000", "`%s` cannot be present in both hyperparams and search_params. Please choose one or the other.", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(searchArgs)) {
		if name != "n_iter" && name != "cv" {
			return function.Errorf("XX000", "Unknown search_args => %q: %s", name, clip(string(searchArgs[name]), 200))
		}
	}
	switch cv := string(searchArgs["cv"]); {
	case r.req.Search != "":
		return unavailable("argument", "search")
	case len(searchParams) > 0:
		return unavailable("argument", "search_params")
	case cv != "" && cv != "null" && cv != "0" && cv != "1":
		return unavailable("argument", "search_args.cv")
	case r.req.Runtime == "openai":
		return unavailable("runtime", "openai")
	}
	return nil
}

// runtime is the runtime that the registry records: the one asked for, else PostgresML's own choice. All of ours are Go.
func (r *run) runtime() string {
	if r.req.Runtime != "" {
		return r.req.Runtime
	}
	if r.req.Algorithm == "xgboost" || r.req.Algorithm == "lightgbm" || r.req.Algorithm == "linear" && r.task == learn.Regression {
		return "rust"
	}
	return "python"
}
