package catalog

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"runtime/debug"
	"sort"
	"strconv"
)

//go:embed sql
var files embed.FS

// components in the order in which they are installed.
var components = []string{"pgowl", "pgml", "cron"}

// bootstrapName is the ledger's name of the script that makes the ledger.
const bootstrapName = "bootstrap.sql"

// script is one embedded file.
type script struct {
	component string // pgowl, pgml or cron
	name      string // as in the folder: 001_types.sql, repeatable/10_views.sql
	version   int    // of a numbered script, 1 or more; 0: repeatable
	sum       string // SHA-256 of the text, hexadecimal
	body      string
}

func (s script) path() string { return s.component + "/" + s.name }

var (
	numberedName   = regexp.MustCompile(`^([0-9]{3})_[a-z0-9_]+\.sql$`)
	repeatableName = regexp.MustCompile(`^[0-9]{2}_[a-z0-9_]+\.sql$`)
)

// load reads the scripts in the order in which they run: bootstrap, then by component the numbered and the repeatable ones.
func load(fsys fs.FS) ([]script, error) {
	boot, err := read(fsys, "sql/"+bootstrapName)
	if err != nil {
		return nil, err
	}
	boot.component, boot.name = "pgowl", bootstrapName
	all := []script{boot}
	for _, c := range components {
		numbered, err := numbered(fsys, c)
		if err != nil {
			return nil, err
		}
		repeatable, err := repeatable(fsys, c)
		if err != nil {
			return nil, err
		}
		all = append(append(all, numbered...), repeatable...)
	}
	return all, nil
}

func numbered(fsys fs.FS, component string) ([]script, error) {
	list, err := folder(fsys, component, "", numberedName)
	if err != nil {
		return nil, err
	}
	for i := range list {
		v, err := strconv.Atoi(list[i].name[:3])
		if err != nil || v == 0 {
			return nil, fmt.Errorf("script %s: versions start at 001", list[i].path())
		}
		list[i].version = v
		if i > 0 && list[i-1].version == v {
			return nil, fmt.Errorf("scripts %s and %s have the same version", list[i-1].path(), list[i].path())
		}
	}
	return list, nil
}

func repeatable(fsys fs.FS, component string) ([]script, error) {
	return folder(fsys, component, "repeatable", repeatableName)
}

// folder reads the scripts of one folder, sorted by name. An absent folder is an empty one; a file whose name doesn't fit is an error, since
// it would silently never run.
func folder(fsys fs.FS, component, sub string, name *regexp.Regexp) ([]script, error) {
	dir := path.Join("sql", component, sub)
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil, nil
	}
	var list []script
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		if !name.MatchString(e.Name()) {
			return nil, fmt.Errorf("script %s/%s: the name doesn't fit %s", dir, e.Name(), name)
		}
		s, err := read(fsys, path.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		s.component, s.name = component, path.Join(sub, e.Name())
		list = append(list, s)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].name < list[j].name })
	return list, nil
}

func read(fsys fs.FS, name string) (script, error) {
	b, err := fs.ReadFile(fsys, name)
	if err != nil {
		return script{}, err
	}
	sum := sha256.Sum256(b)
	return script{sum: hex.EncodeToString(sum[:]), body: string(b)}, nil
}

// pgmlVersion is the version of PostgresML whose SQL API schema pgml has.
const pgmlVersion = "2.10.0"

// productVersion is what pgml.version() says: the API's version and, in PostgresML's form, the commit of this binary.
func productVersion() string {
	commit := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 7 {
				commit = s.Value[:7]
			}
		}
	}
	return pgmlVersion + " (" + commit + ")"
}
