package story

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"testing"
)

func TestHeadlines(t *testing.T) {
	f, err := os.Open(filepath.Join("..", "..", Headlines))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	seen, kinds := map[string]bool{}, map[string]int{}
	for _, row := range rows[1:] {
		if seen[row[0]] {
			t.Errorf("twice: %s", row[0])
		}
		seen[row[0]] = true
		kinds[row[1]]++
	}
	if len(kinds) != 2 || kinds["0"] != 300 || kinds["1"] != 300 {
		t.Errorf("headlines by kind: got %v, want 300 of each", kinds)
	}
}

func TestStepsAreComplete(t *testing.T) {
	for i, s := range append(Steps(), Search()...) {
		if s.Text == "" || (s.Kind == HTTP) != (s.Body != "") || (s.Kind == Wait && s.Want == nil) {
			t.Errorf("step %d is incomplete: %+v", i, s)
		}
	}
}
