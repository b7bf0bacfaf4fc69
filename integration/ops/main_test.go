package ops

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pgowl/pgowl/integration/pgtest"
)

// patience is how long a test waits for what has to happen within seconds; only a hang takes that long.
const patience = 60 * time.Second

// TestMain fails when a goroutine of the proxy's or the driver's outlives the tests.
func TestMain(m *testing.M) {
	code := m.Run()
	pgtest.StopShared()
	if program.dir != "" {
		os.RemoveAll(program.dir)
	}
	if left := leaked(5 * time.Second); left != "" && code == 0 {
		fmt.Fprintln(os.Stderr, "goroutines left behind:\n"+left)
		code = 1
	}
	os.Exit(code)
}

func leaked(patience time.Duration) string {
	deadline := time.Now().Add(patience)
	for {
		buf := make([]byte, 1<<20)
		var left []string
		for _, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n")[1:] {
			if strings.Contains(g, "pgowl/proxy") || strings.Contains(g, "jackc/pgx") {
				left = append(left, g)
			}
		}
		if len(left) == 0 || time.Now().After(deadline) {
			return strings.Join(left, "\n\n")
		}
		runtime.Gosched()
	}
}
