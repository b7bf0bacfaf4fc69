package train

import (
	"encoding/json"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models/learn"
)

// checkArguments refuses what cannot be done yet, and misuse that PostgresML refuses too, and reads what is to be searched.
func (r *run) checkArguments() error {
	var searchParams, searchArgs map[string]json.RawMessage
	var hyperparams map[string]any
	for _, o := range []struct {
		name string
		text json.RawMessage
		to   any
	}{
		{"hyperparams", r.req.Hyperparams, &hyperparams}, {"search_params", r.req.SearchParams, &searchParams},
		{"search_args", r.req.SearchArgs, &searchArgs},
	} {
		if err := json.Unmarshal(object(o.text), o.to); err != nil {
			return function.Errorf("22023", "pgml.train: %s must be a JSON object: %v", o.name, err)
		}
	}
	var err error
	if r.search, err = newSearch(&r.req, hyperparams, searchParams, searchArgs); err != nil {
		return err
	}
	if r.req.Runtime == "openai" {
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
