package wire

import (
	"testing"

	"github.com/pgowl/pgowl/proxy"
	"github.com/pgowl/pgowl/proxy/pool"
)

// unlike are scripts that a pool by transaction answers otherwise, and why that is as documented.
var unlike = map[string]string{}

// What a server answers, PgOwl answers from its pool as well, whichever server connection the client gets.
func TestPooled(t *testing.T) {
	w := open(t)
	for _, mode := range []pool.Mode{pool.Session, pool.Transaction} {
		f := w.startFront(t, proxy.Options{Driver: "goroutines", Pool: pool.Options{Mode: mode, Size: 50}})
		t.Run(string(mode), func(t *testing.T) {
			for i, s := range append(readScripts(t, "testdata/plain/*.txt"), generated()...) {
				t.Run(s.name, func(t *testing.T) {
					if why := unlike[s.name]; why != "" && mode == pool.Transaction {
						t.Skip(why)
					}
					t.Parallel()
					want := w.run(t, w.direct, whole, s.commands, seed)
					if failed := want[0]; failed != nil {
						t.Fatalf("direct: %s", failed)
					}
					to, how := f.owl, whole
					if i%3 == 1 {
						to = f.plain
					} else if i%3 == 2 && size(s.commands) < 100_000 {
						how = cut
					}
					compare(t, "pool by "+string(mode)+", "+how.name, want, w.run(t, to, how, s.commands, seed))
				})
			}
			for _, s := range readScripts(t, "testdata/lanes/*.txt") {
				t.Run(s.name, func(t *testing.T) {
					t.Parallel()
					g := *w
					g.owl, g.fronts = f.owl, []front{f}
					g.playLanes(t, s)
				})
			}
		})
	}
}
