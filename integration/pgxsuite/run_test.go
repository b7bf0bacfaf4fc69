package pgxsuite

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"time"
)

// result is how one test came out.
type result struct {
	action string // pass, fail or skip
	output string
	took   time.Duration
}

// results are those of one side, by "package Test/Subtest". A program that ends in the middle leaves tests without one; what it said
// then stands under the package's name alone.
type results map[string]result

// tempFolder is what names of tests hold that is another one each time.
var tempFolder = regexp.MustCompile(regexp.QuoteMeta(os.TempDir()) + `/Test\w+/\d+`)

// programLimit is for a hang: the longest program takes a minute on an idle machine, many on a very busy one.
const programLimit = "10m"

// run runs programs, as many at a time as parallel says, and gathers how their tests came out. only holds the top-level tests to run, by program; nil: all.
func run(programs []program, env []string, parallel int, only map[string][]string) (results, error) {
	all := results{}
	var mu sync.Mutex
	var failed error
	var wait sync.WaitGroup
	slots := make(chan struct{}, parallel)
	for _, p := range programs {
		wait.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			got, err := p.run(env, only[p.name])
			mu.Lock()
			defer mu.Unlock()
			for name, r := range got {
				all[strings.TrimSpace(p.name+" "+name)] = r
			}
			if err != nil && failed == nil {
				failed = fmt.Errorf("%s: %w", p.name, err)
			}
		})
	}
	wait.Wait()
	return all, failed
}

// run runs one program. That tests of it fail is no error.
func (p program) run(env, only []string) (results, error) {
	args := []string{"-t", p.path, "-test.v=test2json", "-test.timeout=" + programLimit}
	if only != nil {
		quoted := make([]string, len(only))
		for i, name := range only {
			quoted[i] = regexp.QuoteMeta(name)
		}
		args = append(args, "-test.run=^("+strings.Join(quoted, "|")+")$")
	}
	if p.skip != "" {
		args = append(args, "-test.skip="+p.skip)
	}
	cmd := exec.Command(built.test2json, args...)
	cmd.Dir, cmd.Env = p.dir, env
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	got := results{}
	for lines := bufio.NewReader(out); ; {
		line, readErr := lines.ReadBytes('\n')
		var event struct {
			Action, Test, Output string
			Elapsed              float64
		}
		if json.Unmarshal(line, &event) == nil {
			name := tempFolder.ReplaceAllString(event.Test, "TMP")
			r := got[name]
			switch event.Action {
			case "output":
				r.output += event.Output
			case "pass", "fail", "skip":
				r.action, r.took = event.Action, time.Duration(event.Elapsed*float64(time.Second))
			}
			got[name] = r
		}
		if readErr != nil {
			break
		}
	}
	_ = cmd.Wait() // its status says no more than the tests' own
	if len(got) == 0 {
		return nil, fmt.Errorf("no test was run")
	}
	return got, nil
}

// count tells how many tests came out as action says; the programs' own lines are not among them.
func (r results) count(action string) (n int) {
	for name, one := range r {
		if one.action == action && strings.Contains(name, " ") {
			n++
		}
	}
	return n
}
