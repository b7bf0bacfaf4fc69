package rest

import (
	"bytes"
	"encoding/csv"
	"io"
)

// csvToJSON turns lines below a header line into an array of objects. A field that says NULL is null.
func csvToJSON(body []byte) ([]byte, error) {
	r := csv.NewReader(bytes.NewReader(body))
	names, err := r.Read()
	if err != nil {
		return nil, badBody("not enough input")
	}
	names = append([]string(nil), names...)
	rows := []map[string]*string{}
	for {
		record, err := r.Read()
		if err == io.EOF {
			return marshal(rows), nil
		}
		if err != nil {
			return nil, badBody("All lines must have same number of fields")
		}
		row := make(map[string]*string, len(names))
		for i, v := range record {
			row[names[i]] = nil
			if v != "NULL" {
				row[names[i]] = &v
			}
		}
		rows = append(rows, row)
	}
}
