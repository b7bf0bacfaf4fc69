package startup

import (
	"testing"
	"time"

	"github.com/pgowl/pgowl/integration/pgtest"
)

// patience is how long anything may take; only a hang takes that long.
const patience = 3 * time.Minute

// TestMain fails when a goroutine of the proxy's outlives the tests.
func TestMain(m *testing.M) {
	pgtest.MainLeaks(m, func() {
		for i := len(shared.stop) - 1; i >= 0; i-- {
			shared.stop[i]()
		}
	}, "pgowl/proxy")
}
