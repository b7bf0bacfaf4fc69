package ops

import (
	"os"
	"testing"
	"time"

	"github.com/pgowl/pgowl/integration/pgtest"
)

// patience is how long a test waits for what has to happen within seconds; only a hang takes that long.
const patience = 3 * time.Minute

// TestMain fails when a goroutine of the proxy's or the driver's outlives the tests.
func TestMain(m *testing.M) {
	pgtest.MainLeaks(m, func() {
		if program.dir != "" {
			os.RemoveAll(program.dir)
		}
	}, "pgowl/proxy", "jackc/pgx")
}
