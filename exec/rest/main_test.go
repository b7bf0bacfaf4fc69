package rest

import (
	"testing"

	"github.com/pgowl/pgowl/integration/pgtest"
)

// TestMain fails when goroutines of this package or of the driver outlive the tests.
func TestMain(m *testing.M) { pgtest.MainLeaks(m, nil, "pgowl/exec/rest", "jackc/pgx", "net/http") }
