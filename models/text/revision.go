package text

import (
	"fmt"
	"strings"
)

// receiptFile, in a model's folder, says what `pgowl models pull` has put there.
const receiptFile = "pgowl.json"

// origin is which version of a model is in its folder, as far as that is known.
type origin struct {
	Revision string `json:"revision"` // a branch, a tag or a commit, as it was asked for
	Commit   string `json:"commit"`
}

// readOrigin reads a folder's receipt; a folder without one, or with one that cannot be read, says nothing.
func readOrigin(dir string) (o origin) {
	if found, err := readJSON(dir, receiptFile, &o); err != nil || !found {
		return origin{}
	}
	return o
}

// minCommit is the number of digits from which on a text is taken for the beginning of a commit.
const minCommit = 7

// is tells whether a revision is what is there. A folder that nobody has pulled passes for main, which is what one gets who asks for nothing.
func (o origin) is(revision string) bool {
	if o == (origin{}) {
		return revision == "main"
	}
	return revision == o.Revision || len(revision) >= minCommit && strings.HasPrefix(o.Commit, revision)
}

// revision is what differs between two revisions of a model wherever their files are: the commit that was pulled, else the version that a source has; empty: neither is known.
func (e *Embedder) revision() string {
	switch {
	case e.origin.Commit != "":
		return "commit " + e.origin.Commit
	case e.version != "":
		return "version " + e.version
	}
	return ""
}

// RevisionError is a model of another revision than a call asks for.
type RevisionError struct {
	Name, Revision string // that were asked for
	have           origin
}

func (e *RevisionError) Error() string {
	have := "its folder does not say which"
	if e.have != (origin{}) {
		have = fmt.Sprintf("it has %q, commit %q", e.have.Revision, e.have.Commit)
	}
	return fmt.Sprintf("model %q is not there in revision %.120q (%s); get it with: %s", e.Name, e.Revision, have, e.Command())
}

// Command is the command line that gets it, in place of the one that is there.
func (e *RevisionError) Command() string {
	return fmt.Sprintf("pgowl models pull %s@%.120s", e.Name, e.Revision)
}
