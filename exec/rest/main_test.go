package rest

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pgowl/pgowl/integration/pgtest"
)

// TestMain fails when goroutines of this package or of the driver outlive the tests.
func TestMain(m *testing.M) {
	code := m.Run()
	pgtest.StopShared()
	if left := leaked(); code == 0 && left != "" {
		fmt.Println("goroutines leaked:\n" + left)
		code = 1
	}
	os.Exit(code)
}

func leaked() (left string) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 200 {
		left = ""
		buf := make([]byte, 1<<20)
		for _, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n")[1:] {
			if strings.Contains(g, "exec/rest") || strings.Contains(g, "jackc/pgx") || strings.Contains(g, "net/http") {
				left += g + "\n\n"
			}
		}
		if left == "" {
			return ""
		}
		<-tick.C
	}
	return left
}
