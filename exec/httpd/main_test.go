package httpd

import (
	"testing"

	"github.com/pgowl/pgowl/integration/pgtest"
)

// TestMain fails when goroutines of this package or of net/http outlive the tests.
func TestMain(m *testing.M) { pgtest.MainLeaks(m, nil, "pgowl/exec/httpd", "net/http") }
