package embedded

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
)

// ErrNoBinaries is the cause when no Postgres server programs are installed.
var ErrNoBinaries = errors.New("no Postgres server found (initdb and postgres, on the PATH or below /usr/lib/postgresql)")

// Binaries is a folder with a Postgres server's programs.
type Binaries struct {
	Dir   string // absolute, symbolic links resolved; holds initdb and postgres
	Major int    // 15 for 15.18
}

// Program gives the path of one of the programs, such as "initdb".
func (b Binaries) Program(name string) string { return filepath.Join(b.Dir, name) }

// places are the patterns of the folders that packages put a server's programs into.
var places = []string{
	"/usr/lib/postgresql/*/bin",              // Debian, Ubuntu
	"/usr/pgsql-*/bin",                       // the RPM packages of postgresql.org
	"/opt/homebrew/opt/postgresql@*/bin",     // Homebrew
	"/usr/local/opt/postgresql@*/bin",        // Homebrew, older machines
	"/usr/libexec/postgresql*",               // Alpine
	"/usr/local/pgsql/bin",                   // built from source
	"/Applications/Postgres.app/*/*/*/*/bin", // Postgres.app: Contents/Versions/N/bin
}

// Find gives an installed server: the one on the PATH, else the newest one in the usual places and in the folders extra.
// With major > 0 only that major version counts, as a data directory can be opened by no other.
func Find(major int, extra ...string) (Binaries, error) {
	var found []Binaries
	if p, err := exec.LookPath("postgres"); err == nil {
		if b, ok := inspect(filepath.Dir(p)); ok && (major == 0 || b.Major == major) {
			return b, nil
		}
		if real, err := filepath.EvalSymlinks(p); err == nil {
			if b, ok := inspect(filepath.Dir(real)); ok && (major == 0 || b.Major == major) {
				return b, nil
			}
		}
	}
	for _, pattern := range append(append([]string(nil), places...), extra...) {
		dirs, _ := filepath.Glob(pattern)
		for _, dir := range dirs {
			if b, ok := inspect(dir); ok && (major == 0 || b.Major == major) {
				found = append(found, b)
			}
		}
	}
	if len(found) == 0 {
		if major > 0 {
			return Binaries{}, fmt.Errorf("version %d: %w", major, ErrNoBinaries)
		}
		return Binaries{}, ErrNoBinaries
	}
	sort.SliceStable(found, func(i, j int) bool { return found[i].Major > found[j].Major })
	return found[0], nil
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// inspect says whether dir holds a server's programs, and of which version.
func inspect(dir string) (Binaries, bool) {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return Binaries{}, false
	}
	b := Binaries{Dir: dir}
	for _, name := range []string{"initdb", "postgres"} {
		info, err := os.Stat(b.Program(name))
		if err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			return Binaries{}, false
		}
		// PATH folders often hold links to the real place, and a server looks for its share folder beside its real place.
		if real, err := filepath.EvalSymlinks(b.Program(name)); err == nil && name == "postgres" {
			b.Dir = filepath.Dir(real)
		}
	}
	// Asking for the version is the one thing that postgres does as root.
	out, err := exec.Command(b.Program("postgres"), "--version").Output()
	if err != nil {
		return Binaries{}, false
	}
	m := versionPattern.FindSubmatch(out)
	if m == nil {
		return Binaries{}, false
	}
	b.Major, err = strconv.Atoi(string(m[1]))
	return b, err == nil
}
