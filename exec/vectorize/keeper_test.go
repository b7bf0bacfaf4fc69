package vectorize

import "testing"

// A keeper that was never started can be stopped, and any can be stopped again.
func TestStop(t *testing.T) {
	for _, start := range []bool{false, true} {
		k, err := New(Options{Service: "postgres://nobody@127.0.0.1:1/none", Texts: new(stand)})
		if err != nil {
			t.Fatal(err)
		}
		if start {
			k.Start(t.Context())
		}
		k.Stop()
		k.Stop()
	}
}
