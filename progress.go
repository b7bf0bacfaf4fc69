package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// progress shows how a download gets on: on a terminal by a bar that moves, elsewhere by a line for each file that is complete.
type progress struct {
	out      *os.File
	terminal bool
	file     string
	drawn    time.Time
	open     bool // a bar stands in the last line
}

func newProgress(out *os.File) *progress {
	info, err := out.Stat()
	return &progress{out: out, terminal: err == nil && info.Mode()&os.ModeCharDevice != 0}
}

// show is hub.Options.Progress. total is negative where it is not known.
func (p *progress) show(file string, done, total int64) {
	last := done == total
	if !p.terminal {
		if last {
			fmt.Fprintln(p.out, file, megabytes(done))
		}
		return
	}
	now := time.Now()
	if file == p.file && !last && now.Sub(p.drawn) < 100*time.Millisecond {
		return
	}
	if file != p.file {
		p.end()
	}
	p.file, p.drawn, p.open = file, now, true
	fmt.Fprintf(p.out, "\r\x1b[K%s", bar(file, done, total))
	if last {
		p.end()
	}
}

// end goes to a new line.
func (p *progress) end() {
	if p.open {
		fmt.Fprintln(p.out)
	}
	p.open, p.file = false, ""
}

// bar is a line such as "onnx/model.onnx [#########           ]  45.2 MB of  90.4 MB".
func bar(file string, done, total int64) string {
	const width = 24
	if total <= 0 {
		return fmt.Sprintf("%-32s %s", file, megabytes(done))
	}
	full := int(width * min(done, total) / total)
	return fmt.Sprintf("%-32s [%-*s] %s of %s", file, width, strings.Repeat("#", full), megabytes(done), megabytes(total))
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
