package wire

import (
	"testing"

	"github.com/pgowl/pgowl/integration/pgtest"
)

// TestMain fails when a goroutine of the proxy's, the engine's or the driver's outlives the tests.
func TestMain(m *testing.M) {
	pgtest.MainLeaks(m, func() {
		for i := len(shared.stop) - 1; i >= 0; i-- {
			shared.stop[i]()
		}
	}, "pgowl/proxy", "pgowl/exec", "jackc/pgx")
}
