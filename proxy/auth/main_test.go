package auth

import (
	"testing"

	"github.com/pgowl/pgowl/integration/pgtest"
)

// TestMain fails when a goroutine of this package outlives the tests.
func TestMain(m *testing.M) {
	pgtest.MainLeaks(m, func() {
		if shared.remove != nil {
			shared.remove()
		}
	}, "pgowl/proxy/auth")
}
