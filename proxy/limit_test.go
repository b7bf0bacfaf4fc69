package proxy

import (
	"math/rand/v2"
	"sync"
	"testing"
)

// Whatever comes and goes, the counts end at nothing, and no limit is exceeded.
func TestGate(t *testing.T) {
	g := newGate()
	l := Limits{Connections: 5, PerRole: 3, PerDatabase: 4, Logins: 6}
	var wait sync.WaitGroup
	for n := range uint64(8) {
		r := rand.New(rand.NewPCG(n, 1))
		wait.Go(func() {
			for range 500 {
				k, err := g.knock(l)
				if err != nil {
					continue
				}
				if r.IntN(5) > 0 && k.admit(l, string(rune('a'+r.IntN(2))), string(rune('x'+r.IntN(2)))) == nil && r.IntN(3) > 0 {
					k.authenticated()
					k.authenticated()
				}
				g.mu.Lock()
				if g.all > l.Connections || g.logins > l.Logins || g.roles["a"] > l.PerRole || g.databases["x"] > l.PerDatabase {
					t.Errorf("over a limit: %+v", g)
				}
				g.mu.Unlock()
				k.leave()
				k.leave()
			}
		})
	}
	wait.Wait()
	if g.all != 0 || g.logins != 0 || len(g.roles) != 0 || len(g.databases) != 0 {
		t.Errorf("left: %+v", g)
	}
}
