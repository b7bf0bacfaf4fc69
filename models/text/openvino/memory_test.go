package openvino

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// resident is the process's memory in MB.
func resident(t *testing.T) int {
	t.Helper()
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("no /proc")
	}
	var size, pages int
	if _, err := fmt.Sscan(string(data), &size, &pages); err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize() >> 20
}

// TestMemory: runs of ever new shapes do not make the process larger. PGOWL_TRIALS=10000 has more of them.
func TestMemory(t *testing.T) {
	runs := 100
	if n, err := strconv.Atoi(os.Getenv("PGOWL_TRIALS")); err == nil && n > 0 {
		runs = n
	}
	m := compile(t, library(t).BFloat16(), 1)
	r := rand.New(rand.NewPCG(1, 1))
	if _, err := m.infer(2, 64, 1); err != nil { // the largest
		t.Fatal(err)
	}
	early := 0
	for k := range runs {
		columns := 1 + r.IntN(64)
		if _, err := m.infer(1+r.IntN(max(1, 128/columns)), columns, k); err != nil {
			t.Fatal(err)
		}
		if k == runs/4 {
			early = resident(t)
		}
		if k%(runs/4) == 0 {
			t.Logf("%d runs: %d MB", k, resident(t))
		}
	}
	if end := resident(t); end > early+40 {
		t.Errorf("%d MB after a quarter of the runs, %d at the end", early, end)
	}
}
