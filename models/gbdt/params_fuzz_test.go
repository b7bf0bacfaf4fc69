package gbdt

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/pgowl/pgowl/models/learn"
)

// FuzzParams reads hyperparameters as clients give them.
func FuzzParams(f *testing.F) {
	f.Add([]byte(`{"eta":0.1,"max_depth":3,"objective":"reg:squarederror","booster":"gbtree"}`))
	f.Add([]byte(`{"eta":1,"learning_rate":[1],"n_estimators":1e300,"x":null}`))
	f.Add([]byte(`{"learning_rate":{"a":1},"eta":{"a":1},"seed":-1,"nthread":"4"}`))
	f.Add([]byte(`{"monotone_constraints":{"a":"-1"},"interaction_constraints":"[[0,\"b\"]]","updater":["refresh,grow_skmaker"]}`))
	f.Add([]byte(`{"booster":"linear","updater":["shotgun"],"eval_metric":["error@0.2","auc"],"quantile_alpha":[0.1],"one_drop":true}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var in map[string]any
		if json.Unmarshal(data, &in) != nil {
			return
		}
		p, err := parse(in)
		if err == nil {
			d := &learn.Dataset{X: []float32{1, 2, 3, 4}, Y: []float32{0, 1}, Rows: 2, Features: 2, Names: []string{"a", "b"}}
			if _, err = p.constrain(d); err == nil {
				_, err = p.plan(d, learn.Regression, nil)
			}
		}
		var refused *learn.ParamError
		if err != nil && (!errors.As(err, &refused) || err.Error() == "") {
			t.Errorf("%s: %v", data, err)
		}
	})
}
