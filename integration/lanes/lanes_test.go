package lanes

import (
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// testCase is statements that run in one session.
type testCase struct {
	name       string
	statements []statement
	bare       bool // outside a transaction of the suite's
	ordered    bool // the rows' order counts
}

// cases reads testdata/shapes.sql: cases are separated by empty lines, each line is a statement, and a first line "-- name" names the case. Behind
// " -- $ " stand a statement's parameters, separated by " | ". A name that ends with "(bare)" is of a case outside a transaction.
func cases(t *testing.T) (all []testCase) {
	t.Helper()
	data, err := os.ReadFile("testdata/shapes.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range strings.Split(strings.TrimSpace(string(data)), "\n\n") {
		var c testCase
		for _, line := range strings.Split(block, "\n") {
			if name, ok := strings.CutPrefix(line, "-- "); ok {
				c.name, c.bare = strings.CutSuffix(name, " (bare)")
				continue
			}
			sql, params, _ := strings.Cut(line, " -- $ ")
			s := statement{sql: sql}
			if params != "" {
				for _, p := range strings.Split(params, " | ") {
					var value []byte
					if p != "NULL" {
						value = []byte(p)
					}
					s.params = append(s.params, value)
				}
			}
			c.statements = append(c.statements, s)
		}
		all = append(all, c)
	}
	return all
}

// lanes are the ways through the proxy: what it chooses, and the call lane alone.
func (w *world) lanes() map[string]string {
	return map[string]string{"chosen": w.owl, "call": w.owl + "&pgowl.lanes=call&pgowl.forms=off",
		"call, models as SQL": w.owl + "&pgowl.lanes=call&pgowl.forms=on"}
}

// seed chooses the generated statements; LANES_SEED repeats a run.
func seed() uint64 {
	if v, err := strconv.ParseUint(os.Getenv("LANES_SEED"), 10, 64); err == nil {
		return v
	}
	return uint64(time.Now().UnixNano())
}

// TestLanes plays written and generated statements on the stand-in and in the lanes, and wants the same. LANES_COUNT says how many are generated.
func TestLanes(t *testing.T) {
	w := open(t)
	all := cases(t)
	n := 60
	if v, err := strconv.Atoi(os.Getenv("LANES_COUNT")); err == nil {
		n = v
	}
	s := seed()
	dice := rand.New(rand.NewPCG(s, 0))
	for i := range n {
		all = append(all, testCase{name: "generated " + strconv.Itoa(i), statements: []statement{{sql: generate(dice)}}})
	}
	t.Logf("LANES_SEED=%d", s)
	played, refused := 0, 0
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			for _, m := range modes {
				if !m.extended && hasParams(c) {
					continue
				}
				want := play(t, w.standIn, c, m)
				if generated := len(c.statements) == 1; generated && strings.Contains(strings.Join(want, "\n"), "\nERROR ") {
					refused++
					t.Logf("refused: %s", strings.Join(want, " "))
				}
				for lane, to := range w.lanes() {
					played += len(c.statements)
					if d := difference(want, play(t, to, c, m), c.ordered); d != "" {
						t.Errorf("%s, %s lane: %s", m.name, lane, d)
					}
				}
			}
		})
	}
	t.Logf("%d statements x lanes x modes", played)
	if refused*10 > n*len(modes) {
		t.Errorf("%d of %d generated statements x modes are errors", refused, n*len(modes))
	}
}

func hasParams(c testCase) bool {
	for _, s := range c.statements {
		if len(s.params) > 0 {
			return true
		}
	}
	return false
}
