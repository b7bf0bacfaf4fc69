package pgxsuite

// What pgx's tests import beyond pgx itself: named here, so that go.mod and go.sum keep what compiling them needs.
import (
	_ "github.com/stretchr/testify/assert"
	_ "github.com/stretchr/testify/require"
	_ "golang.org/x/sync/errgroup"
)
