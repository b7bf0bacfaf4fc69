package main

import (
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"
)

func TestQuantiles(t *testing.T) {
	list := []int{5, 1, 4, 2, 3}
	if median(list) != 3 || quantile(list, 0) != 1 || quantile(list, 1) != 5 || median([]int{}) != 0 {
		t.Fatal(median(list), quantile(list, 0), quantile(list, 1))
	}
}

// TestReadTitles: plain and gzipped files give the same, and what is no such file is refused.
func TestReadTitles(t *testing.T) {
	const text = "title,is_clickbait\n\"You, Too\",1\nRain in Spain,0\n"
	dir := t.TempDir()
	plain, packed := filepath.Join(dir, "t.csv"), filepath.Join(dir, "t.csv.gz")
	if err := os.WriteFile(plain, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(packed)
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	z.Write([]byte(text))
	z.Close()
	f.Close()
	for _, path := range []string{plain, packed} {
		rows, err := readTitles(path)
		if err != nil || len(rows) != 2 || rows[0][1] != "You, Too" || rows[0][2] != true || rows[1][2] != false {
			t.Fatalf("%s: %v, %v", path, rows, err)
		}
	}
	for name, bad := range map[string]string{"empty.csv": "title,is_clickbait\n", "wide.csv": "a,b,c\n1,2,3\n"} {
		path := filepath.Join(dir, name)
		os.WriteFile(path, []byte(bad), 0o600)
		if _, err := readTitles(path); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
