package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// transaction is a line of pgbench's log.
type transaction struct {
	ended time.Time
	took  time.Duration
}

// readLogs reads the logs of a run of pgbench, one a thread: client, number, µs, script, end in seconds and µs.
func readLogs(prefix string) ([]transaction, error) {
	files, err := filepath.Glob(prefix + "*")
	if err != nil {
		return nil, err
	}
	var list []transaction
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			t, err := parseTransaction(lines.Text())
			if err != nil {
				f.Close()
				return nil, err
			}
			list = append(list, t)
		}
		f.Close()
		if err := lines.Err(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func parseTransaction(line string) (transaction, error) {
	words := strings.Fields(line)
	if len(words) < 6 {
		return transaction{}, fmt.Errorf("a line of pgbench's log: %q", line)
	}
	var n [3]int64
	for i, at := range []int{2, 4, 5} {
		var err error
		if n[i], err = strconv.ParseInt(words[at], 10, 64); err != nil {
			return transaction{}, fmt.Errorf("a line of pgbench's log: %q", line)
		}
	}
	return transaction{time.Unix(n[1], n[2]*1000), time.Duration(n[0]) * time.Microsecond}, nil
}
