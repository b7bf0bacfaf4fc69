package text

import "testing"

// A commit says more than a source's version, which is of the files: a proxy that has pulled a model and one that has it from the database have the same revision.
func TestRevisionOfAModel(t *testing.T) {
	for want, e := range map[string]*Embedder{
		"":           {},
		"commit abc": {origin: origin{Revision: "main", Commit: "abc"}},
		"version 12": {version: "12", origin: origin{Revision: "main"}},
	} {
		if got := e.revision(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := (&Embedder{version: "12", origin: origin{Revision: "main", Commit: "abc"}}).revision(); got != "commit abc" {
		t.Errorf("got %q", got)
	}
}
