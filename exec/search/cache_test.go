package search

import (
	"errors"
	"testing"

	"go.uber.org/zap"
)

// Nothing begins in a cache that is closed: Close has waited for all there was, and the pool may be gone.
func TestClosed(t *testing.T) {
	c := New(nil, 1<<20, zap.NewNop())
	c.Close()
	table := c.table(1)
	for range 2 {
		if _, _, err := c.follow(t.Context(), table, 1); !errors.Is(err, errClosed) {
			t.Error(err)
		}
	}
	c.makeIndexSoon(table, 1<<20)
	if table.load != nil || table.indexing {
		t.Errorf("begun: %+v", table)
	}
	c.Close()
}
