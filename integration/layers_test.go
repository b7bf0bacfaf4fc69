// Package integration holds the tests that look at PgOwl from outside, as a whole.
package integration

import (
	"bytes"
	"encoding/json"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/pgowl/pgowl"

// listed is what go list tells of one package; test files are not part of it.
type listed struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	// With -e a package that does not compile is listed nevertheless; that it does not is for others to say.
	cmd := exec.Command("go", "list", "-e", "-deps", "-json=ImportPath,Imports,Deps", module+"/...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var all []listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// layer gives the top folder of a package of ours: "main" for the module itself, "" for somebody else's.
func layer(path string) string {
	if path == module {
		return "main"
	}
	rest, ours := strings.CutPrefix(path, module+"/")
	if !ours {
		return ""
	}
	top, _, _ := strings.Cut(rest, "/")
	return top
}

// below says what the packages of each layer may import of ours, beside their own layer's. The integration folder looks
// at everything from outside and is imported by nothing.
var below = map[string][]string{
	"main":   {"conf", "proxy", "parser", "exec", "models"},
	"conf":   {},
	"proxy":  {"parser", "exec"},
	"parser": {},
	"exec":   {"parser", "models"},
	"models": {},
}

func TestImportsPointOneWay(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range packages(t) {
		from := layer(p.ImportPath)
		if from == "" || from == "integration" {
			continue
		}
		seen[from] = true
		allowed, known := below[from]
		if !known {
			t.Errorf("%s stands in a folder that the design does not know", p.ImportPath)
			continue
		}
		for _, path := range p.Imports {
			to := layer(path)
			if to != "" && to != from && !contains(allowed, to) {
				t.Errorf("%s imports %s: %s may import only %v", p.ImportPath, path, from, allowed)
			}
		}
	}
	for from := range below {
		if !seen[from] {
			t.Errorf("no package in %s", from)
		}
	}
}

// TestPureLayers: what parser and models must be free of, however indirectly.
func TestPureLayers(t *testing.T) {
	// pg_query's own Go code brings protobuf, which logs and reads flags; so the parser is held to its direct imports
	// where I/O is concerned, and to all of them for the network.
	network := []string{"net", "net/http", "database/sql", "github.com/jackc/pgx"}
	directIO := []string{"os", "os/exec", "io/fs", "io/ioutil", "syscall", "time", "math/rand", "math/rand/v2", "log"}
	for _, p := range packages(t) {
		switch layer(p.ImportPath) {
		case "models":
			for _, path := range p.Deps {
				if within(path, network) {
					t.Errorf("%s depends on %s: models know no SQL and no network", p.ImportPath, path)
				}
			}
		case "parser":
			for _, path := range p.Deps {
				if within(path, network) {
					t.Errorf("%s depends on %s: the parser does no I/O", p.ImportPath, path)
				}
			}
			for _, path := range p.Imports {
				if contains(directIO, path) {
					t.Errorf("%s imports %s: the parser is pure", p.ImportPath, path)
				}
			}
		}
	}
}

func TestOnlyTheParserKnowsPgQuery(t *testing.T) {
	for _, p := range packages(t) {
		from := layer(p.ImportPath)
		if from == "" || from == "parser" {
			continue
		}
		for _, path := range p.Imports {
			if strings.HasPrefix(path, "github.com/pganalyze/pg_query_go") {
				t.Errorf("%s imports %s", p.ImportPath, path)
			}
		}
	}
}

// within says whether path is one of the roots or, for other people's modules, lies below one. Of the standard library,
// net/netip or net/url are harmless, so there the names count exactly.
func within(path string, roots []string) bool {
	for _, root := range roots {
		if path == root || (strings.Contains(root, ".") && strings.HasPrefix(path, root+"/")) {
			return true
		}
	}
	return false
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
