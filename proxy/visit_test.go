package proxy

import "testing"

func TestReplicates(t *testing.T) {
	for value, want := range map[string]bool{"on": true, "1": true, "t": true, "TRUE": true, "y": true, "": false, "off": false, "of": false,
		"0": false, "f": false, "no": false, "database": false, "o": false, "truely": false} {
		if got := replicates(value); got != want {
			t.Errorf("%q: %t", value, got)
		}
	}
}
