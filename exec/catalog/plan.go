package catalog

import "fmt"

// key names a script in the ledger.
type key struct{ component, name string }

// entry is a row of the ledger.
type entry struct {
	version int // 0: repeatable
	sum     string
}

// plan compares the scripts with the ledger and returns those that have to run, in order. It fails where the ledger knows a version that
// the scripts don't reach (ErrNewer), and where a numbered script that ran has changed or gone (ErrChanged). A script with a
// number below one that ran is run all the same: two branches may have been merged.
func plan(scripts []script, ledger map[key]entry) ([]script, error) {
	newest := map[string]int{}
	known := map[key]bool{}
	for _, s := range scripts {
		newest[s.component] = max(newest[s.component], s.version)
		known[key{s.component, s.name}] = true
	}
	for k, e := range ledger {
		switch {
		case e.version > newest[k.component]:
			return nil, fmt.Errorf("%w (it has %s/%s; this PgOwl knows %s up to %03d)", ErrNewer, k.component, k.name, k.component, newest[k.component])
		case e.version > 0 && !known[k]:
			return nil, fmt.Errorf("%w: %s/%s is unknown here", ErrChanged, k.component, k.name)
		}
	}
	var todo []script
	for _, s := range scripts {
		e, ran := ledger[key{s.component, s.name}]
		switch {
		case !ran:
			todo = append(todo, s)
		case e.sum == s.sum:
		case s.version > 0:
			return nil, fmt.Errorf("%w: %s", ErrChanged, s.path())
		default:
			todo = append(todo, s)
		}
	}
	return todo, nil
}
