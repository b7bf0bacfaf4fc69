package linear

import (
	"testing"

	"github.com/pgowl/pgowl/models/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }
