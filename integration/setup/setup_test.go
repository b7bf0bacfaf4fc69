package main

import (
	"archive/zip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sumOfHello is sha256 of "hello".
const sumOfHello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

func archive(t *testing.T, name, contents string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.zip")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z := zip.NewWriter(f)
	w, err := z.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(contents)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestUnpackChecksAndReplaces(t *testing.T) {
	dir := t.TempDir()
	list := []part{{"in/x", "out/y", sumOfHello}}
	if inPlace(dir, list) {
		t.Error("an empty folder counts as complete")
	}
	if err := unpack(archive(t, "in/x", "hello"), dir, list); err != nil {
		t.Fatal(err)
	}
	if !inPlace(dir, list) {
		t.Error("an unpacked file counts as missing")
	}
	if err := os.WriteFile(filepath.Join(dir, "out/y"), []byte("hellp"), 0o644); err != nil {
		t.Fatal(err)
	}
	if inPlace(dir, list) {
		t.Error("a damaged file counts as right")
	}
}

func TestUnpackRefusesWrongContents(t *testing.T) {
	dir := t.TempDir()
	err := unpack(archive(t, "in/x", "other"), dir, []part{{"in/x", "y", sumOfHello}})
	if err == nil || !strings.Contains(err.Error(), "should be "+sumOfHello) {
		t.Errorf("got error %v, want one about the sum", err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 0 {
		t.Errorf("files left behind: %v, %v", left, err)
	}
	if err := unpack(archive(t, "in/x", "hello"), dir, []part{{"in/z", "y", sumOfHello}}); err == nil {
		t.Error("a missing file was not noticed")
	}
}

func TestFetchersAreNeededOnlyForWhatIsMissing(t *testing.T) {
	has := func(list []need, what string) bool {
		for _, n := range list {
			if n.what == what {
				return true
			}
		}
		return false
	}
	if list := needs(false, parts{}); has(list, "Maven") || has(list, "Python with pip") || has(list, "Node.js with npm") {
		t.Error("a complete machine needs a fetcher")
	}
	if list := needs(false, parts{model: true}); !has(list, "Maven") {
		t.Error("a missing model does not need Maven")
	}
	if has(needs(true, parts{}), "PgBouncer") || !has(needs(false, parts{bouncer: true}), "PgBouncer") {
		t.Error("PgBouncer is for the benchmarks alone")
	}
	if has(needs(false, parts{}), "Python's venv") || !has(needs(false, parts{references: true}), "Python's venv") || !has(needs(false, parts{references: true}), "Python with pip") {
		t.Error("the reference libraries need a Python environment, and nothing else does")
	}
	if list := needs(true, parts{}); !has(list, "Node.js with npm") {
		t.Error("tests do not need Node.js")
	}
}

func TestShellQuote(t *testing.T) {
	if got, want := shellQuote("a'b c"), `'a'\''b c'`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestMavenConf(t *testing.T) {
	conf, etc := t.TempDir(), t.TempDir()
	if env, args := mavenConf(conf, etc); env != nil || args != nil {
		t.Errorf("no Maven at all: got %v %v", env, args)
	}
	if err := os.Mkdir(filepath.Join(etc, "logging"), 0o755); err != nil {
		t.Fatal(err)
	}
	settings := filepath.Join(conf, "settings.xml")
	if err := os.WriteFile(settings, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	env, args := mavenConf(conf, etc)
	if len(env) != 1 || !strings.HasSuffix(env[0], "-Dmaven.conf="+etc) || len(args) != 2 || args[1] != settings {
		t.Errorf("a folder in the link's place: got %v %v", env, args)
	}
	if err := os.Mkdir(filepath.Join(conf, "logging"), 0o755); err != nil {
		t.Fatal(err)
	}
	if env, args := mavenConf(conf, etc); env != nil || args != nil {
		t.Errorf("a complete folder: got %v %v", env, args)
	}
}
