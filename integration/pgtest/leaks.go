package pgtest

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// MainLeaks is Main for packages that start goroutines: the tests fail when one outlives them that has a function of one of these packages on
// its stack, given by a part of the import path, such as "pgowl/proxy" or "jackc/pgx". after is what else has to end first; nil: nothing.
func MainLeaks(m *testing.M, after func(), packages ...string) {
	code := m.Run()
	if after != nil {
		after()
	}
	StopShared()
	if left := leaked(5*time.Second, packages); left != "" && code == 0 {
		fmt.Fprintln(os.Stderr, "goroutines left behind:\n"+left)
		code = 1
	}
	os.Exit(code)
}

// leaked gives the stacks of the goroutines of packages, other than the caller's, that are still there after some patience: one that has
// done its work may need a moment to end.
func leaked(patience time.Duration, packages []string) string {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		buf := make([]byte, 1<<20)
		var left []string
		for _, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n")[1:] {
			for _, p := range packages {
				if strings.Contains(g, p) {
					left = append(left, g)
					break
				}
			}
		}
		if len(left) == 0 || time.Now().After(deadline) {
			return strings.Join(left, "\n\n")
		}
	}
}
