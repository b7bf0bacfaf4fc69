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
	f.Fuzz(func(t *testing.T, data []byte) {
		var in map[string]any
		if json.Unmarshal(data, &in) != nil {
			return
		}
		_, err := parse(in)
		var refused *learn.ParamError
		if err != nil && (!errors.As(err, &refused) || err.Error() == "") {
			t.Errorf("%s: %v", data, err)
		}
	})
}
