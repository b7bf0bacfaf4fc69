package wire

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/proxy"
	"github.com/pgowl/pgowl/proxy/pool"
)

// differsPooled are scripts, by the beginning of their names, that a pool may answer in another way, as documented.
var differsPooled = []string{
	"large",       // for its time; what it tries does not depend on where the server connection comes from
	"terminate",   // asks for its own server process to be ended
	"halfclose",   // not tried yet
	"replication", // not pooled
	"start/",      // settings of a log-in are the pool's to carry out
}

// endsCopy are scripts that break the protocol within a copy. The server says goodbye behind its error; transaction pooling keeps that to
// itself, and only closes.
var endsCopy = regexp.MustCompile(`^copy.*(Query|Parse|Execute|function|unknown) within`)

// TestPooled plays scripts through pools, the same share of them each time: where a statement needs its server connection for itself, it gets it, and nobody can tell.
func TestPooled(t *testing.T) {
	w := open(t)
	t.Logf("WIRE_SEED=%d", seed)
	for _, mode := range []pool.Mode{pool.Session, pool.Transaction} {
		t.Run(string(mode), func(t *testing.T) {
			f := w.startFront(t, proxy.Options{Pool: pool.Options{Mode: mode}})
			for _, s := range slices.Concat(generated(), readScripts(t, "testdata/plain/*.txt")) {
				if !full && s.throw(1).IntN(3*share) > 0 || s.has("dial") || s.has("connect") || s.has("cancel") || slices.ContainsFunc(differsPooled, func(p string) bool { return strings.HasPrefix(s.name, p) }) ||
					mode == pool.Transaction && endsCopy.MatchString(s.name) {
					continue
				}
				t.Run(s.name, func(t *testing.T) {
					t.Parallel()
					want := afterLogin(w.run(t, w.direct, whole, s.commands, seed))
					for _, way := range []way{{f.plain, whole}, {f.owl, cut}} {
						compare(t, string(mode)+" pool, "+way.String(), want, afterLogin(w.run(t, way.to, way.how, s.commands, seed)))
						if t.Failed() {
							return
						}
					}
				})
			}
		})
	}
}
