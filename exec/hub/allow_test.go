package hub

import (
	"errors"
	"testing"

	"github.com/pgowl/pgowl/models/text/names"
)

func TestAllow(t *testing.T) {
	for _, c := range []struct {
		list, name string
		ok         bool
	}{
		{"", "a/b", true}, {" ", "a/b", true}, {",", "a/b", true}, {`""`, "a/b", true},
		{"a/b", "a/b", true}, {"a/b", "a/c", false}, {"x, a/b ,y", "a/b", true}, {`"x,a/b"`, "a/b", true},
		{"sentence-transformers/m", "m", true}, {"m", "sentence-transformers/m", true}, {"m", "n", false}, {"../m", "m", false}, {"A/b", "a/b", false}, {"*", "m", false},
	} {
		err := Allow(c.list, c.name)
		if (err == nil) != c.ok || err != nil && err.Error() != "model "+c.name+" is not whitelisted." {
			t.Errorf("%q %q: %v", c.list, c.name, err)
		}
	}
	if err := Allow("", "../x"); !errors.As(err, new(*names.Error)) {
		t.Error(err)
	}
}
