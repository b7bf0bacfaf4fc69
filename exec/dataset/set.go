package dataset

import (
	"compress/gzip"
	"embed"
	"encoding/csv"
	"fmt"
	"strings"
)

//go:embed data/*.csv.gz
var files embed.FS

// Column is a column of a data set.
type Column struct {
	Name string
	Type string // as SQL has it
}

// Set is a data set.
type Set struct {
	Name    string
	Columns []Column
	Rows    [][]string // values in text form, as Postgres reads them
}

// Names are the data sets that there are, in the order of their names.
func Names() []string {
	entries, err := files.ReadDir("data")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".csv.gz"))
	}
	return names
}

// Open reads a data set, one of Names.
func Open(name string) (*Set, error) {
	f, err := files.Open("data/" + name + ".csv.gz")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("data set %s: %w", name, err)
	}
	lines, err := csv.NewReader(z).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("data set %s: %w", name, err)
	}
	s := &Set{Name: name, Rows: lines[1:]}
	for _, head := range lines[0] { // mean radius real
		at := strings.LastIndexByte(head, ' ')
		s.Columns = append(s.Columns, Column{head[:at], head[at+1:]})
	}
	return s, nil
}
