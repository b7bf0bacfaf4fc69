package embedded

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// fetchedVersion is what Fetch brings.
const fetchedVersion = embeddedpostgres.V18

// Fetch downloads a Postgres server's programs into dir (dir/18/bin/postgres ...) and gives their place. It keeps what is there.
func Fetch(ctx context.Context, dir string) (Binaries, error) {
	major, _, _ := strings.Cut(string(fetchedVersion), ".")
	home := filepath.Join(dir, major)
	if b, ok := inspect(filepath.Join(home, "bin")); ok {
		return b, nil
	}
	if err := os.MkdirAll(home, 0o755); err != nil {
		return Binaries{}, err
	}
	// The library can fetch and unpack only as a part of starting, and starting fails as root. So the start is made to fail
	// right after the unpacking, by a data directory below a file; then only the programs are of interest.
	blocker := filepath.Join(dir, "no-data")
	if err := os.WriteFile(blocker, nil, 0o644); err != nil {
		return Binaries{}, err
	}
	defer os.Remove(blocker)
	var output bytes.Buffer
	library := embeddedpostgres.NewDatabase(embeddedpostgres.DefaultConfig().
		Version(fetchedVersion).
		Port(freePortOr(0)).
		CachePath(filepath.Join(dir, "archive")).
		RuntimePath(filepath.Join(dir, "runtime")).
		BinariesPath(home).
		DataPath(filepath.Join(blocker, "data")).
		Logger(&output))
	done := make(chan error, 1)
	go func() {
		err := library.Start()
		if err == nil { // it must not, but a server that nobody stops would be worse
			err = library.Stop()
		}
		done <- err
	}()
	var startErr error
	select {
	case startErr = <-done:
	case <-ctx.Done():
		// The library has no context; its download goes on into a cache file that it renames when complete, which does no harm.
		return Binaries{}, context.Cause(ctx)
	}
	os.RemoveAll(filepath.Join(dir, "runtime"))
	b, ok := inspect(filepath.Join(home, "bin"))
	if !ok {
		return Binaries{}, fmt.Errorf("fetching Postgres %s: %w (install Postgres, or run make setup where packages can be reached)", fetchedVersion, startErr)
	}
	os.RemoveAll(filepath.Join(dir, "archive"))
	return b, nil
}

func freePortOr(fallback uint32) uint32 {
	port, err := FreePort()
	if err != nil {
		return fallback
	}
	return uint32(port)
}
