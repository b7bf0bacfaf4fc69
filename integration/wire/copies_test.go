package wire

import "strings"

// copies has copies in both directions and all formats, by both protocols, with everything that can end them.
func copies() (all []script) {
	const table = "Q CREATE TEMP TABLE c (a int, b text)\nread Z"
	const head, tail = `"PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"`, `"\xff\xff"`
	row := `"\x00\x02\x00\x00\x00\x04\x00\x00\x00\x07\x00\x00\x00\x01x"`
	for _, protocol := range []string{"Q", "extended", "described", "pipelined"} {
		for _, block := range []string{"", "BEGIN"} {
			for name, data := range map[string]string{
				"done":              "COPY c FROM STDIN|d \"1\\tx\\n2\\ty\\n\"|c",
				"csv":               "COPY c FROM STDIN (FORMAT csv, HEADER)|d \"a,b\\n1,\\\"x\"|d \"\\\"\\n\"|c",
				"binary":            "COPY c FROM STDIN (FORMAT binary)|d " + head + "|d " + row + "|d " + row + "|d " + tail + "|c",
				"binary, header":    "COPY c FROM STDIN (FORMAT binary)|d " + head + "|d \"\\x00\\x03\"|c",
				"binary, no header": "COPY c FROM STDIN (FORMAT binary)|d " + row + "|c",
				"fail":              "COPY c FROM STDIN|d \"1\\tx\\n\"|f given up",
				"fail at once":      "COPY c FROM STDIN|f",
				"empty":             "COPY c FROM STDIN|c",
				"end in the data":   "COPY c FROM STDIN|d \"1\\tx\\n\\\\.\\n2\\ty\\n\"|c",
				"bad row":           "COPY c FROM STDIN|d \"x\\tx\\n\"|d \"2\\ty\\n\"|c",
				"bad last row":      "COPY c FROM STDIN|d \"1\\tx\\n2\"|c",
				"bad, then fail":    "COPY c FROM STDIN|d \"x\\n\"|f as well",
				"Sync within":       "COPY c FROM STDIN|d \"1\\tx\\n\"|S|d \"2\\ty\\n\"|S|c",
				"Flush within":      "COPY c FROM STDIN|H|d \"1\\tx\\n\"|H|c",
				"Query within":      "COPY c FROM STDIN|d \"1\\tx\\n\"|Q SELECT 1",
				"Parse within":      "COPY c FROM STDIN|d \"1\\tx\\n\"|P - SELECT 1",
				"Execute within":    "COPY c FROM STDIN|E -",
				"end within":        "COPY c FROM STDIN|d \"1\\tx\\n\"|X",
				"function within":   "COPY c FROM STDIN|F 1397 -5",
				"unknown within":    "COPY c FROM STDIN|raw 7a00000004",
				"no such table":     "COPY nosuch FROM STDIN|d \"1\\n\"|c",
				"no such column":    "COPY c (z) FROM STDIN|c",
				"no data":           "COPY c FROM STDIN|d|d|d \"1\\tx\"|d|d \"\\n\"|c",
				"out":               "COPY (SELECT g, 'x' FROM generate_series(1, 5) g) TO STDOUT",
				"out, binary":       "COPY (SELECT g, NULL, 1.5 FROM generate_series(1, 5) g) TO STDOUT (FORMAT binary)",
				"out, csv":          "COPY (SELECT g, '\"' AS q FROM generate_series(1, 5) g) TO STDOUT (FORMAT csv, HEADER)",
				"out, nothing":      "COPY (SELECT 1 WHERE false) TO STDOUT",
				"out, failing":      "COPY (SELECT 6/(3-g) FROM generate_series(1, 5) g) TO STDOUT",
				"out, stray":        "COPY (SELECT 1) TO STDOUT|d \"1\"|c|f x",
				"file":              "COPY c FROM '/nosuch/file'",
			} {
				parts := strings.Split(data, "|")
				ends := name == "unknown within" || strings.HasSuffix(name, " within") && strings.Contains("Query Parse Execute function end", strings.Fields(name)[0])
				lines := []string{table}
				if block != "" {
					lines = append(lines, "Q BEGIN", "read Z")
				}
				if protocol == "Q" {
					lines = append(lines, "Q "+parts[0])
				} else {
					lines = append(lines, "P - "+parts[0], "B - -")
					if protocol != "extended" {
						lines = append(lines, "D P -")
					}
					lines = append(lines, "E -")
				}
				lines = append(lines, parts[1:]...)
				if protocol == "pipelined" {
					lines = append(lines, "P - SELECT 'next'", "B - -", "E -")
				}
				switch {
				case ends:
					// The server breaks off, or stops to read: to say goodbye is all that is left.
					lines = append(lines, "halfclose", "read eof")
				case protocol == "Q":
					lines = append(lines, "read Z")
				default:
					lines = append(lines, "S", "read Z")
				}
				if !ends {
					lines = append(lines, "Q SELECT * FROM c", "read Z")
					if block != "" {
						lines = append(lines, "Q COMMIT", "read Z")
					}
				}
				if block != "" && protocol == "described" {
					continue
				}
				all = append(all, scriptOf("copy/%s/%s/%s", strings.Join(lines, "\n"), protocol, block, name))
			}
		}
	}
	return all
}
