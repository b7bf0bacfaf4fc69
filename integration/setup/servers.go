package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/pgowl/pgowl/conf"
)

// serverVersions are the Postgres servers that `make test-versions` plays the lanes on, one of each major version that is to work; fixed, as the
// clients are.
var serverVersions = []string{
	"13.23.0-beta.16", "14.23.0-beta.17", "15.18.0-beta.17", "16.14.0-beta.17", "17.10.0-beta.17", "18.4.0-beta.17",
}

func serverFolder(c conf.Config) string { return filepath.Join(c.Data, "servers") }

// installServers unpacks each server into a folder named by its major version. None of the packages' scripts runs.
func installServers(ctx context.Context, dir string) error {
	processor, ok := map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	if !ok {
		return fmt.Errorf("no packages of Postgres servers are known for %s", runtime.GOARCH)
	}
	name := "@embedded-postgres/" + runtime.GOOS + "-" + processor
	for _, version := range serverVersions {
		major, _, _ := strings.Cut(version, ".")
		if err := installServer(ctx, filepath.Join(dir, major), name+"@"+version); err != nil {
			return fmt.Errorf("the programs of Postgres %s: %w", major, err)
		}
	}
	return nil
}

// installServer brings one server. A file that names it is written last and says that it is there.
func installServer(ctx context.Context, dir, pin string) error {
	stamp := filepath.Join(dir, "installed")
	if got, err := os.ReadFile(stamp); err == nil && string(got) == pin {
		return nil
	}
	say("fetching %s into %s", pin, dir)
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "pgowl-setup-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := command(ctx, nil, "npm", "pack", "--silent", "--pack-destination", tmp, pin); err != nil {
		return err
	}
	archive, err := only(tmp, "*.tgz")
	if err != nil {
		return err
	}
	if err := command(ctx, nil, "tar", "-xzf", archive, "--strip-components=2", "--no-same-owner", "-C", dir, "package/native"); err != nil {
		return err
	}
	if err := linkLibraries(dir); err != nil {
		return err
	}
	return os.WriteFile(stamp, []byte(pin), 0o644)
}

// linkLibraries makes the links that a package cannot hold, and lists.
func linkLibraries(dir string) error {
	data, err := os.ReadFile(filepath.Join(dir, "pg-symlinks.json"))
	if err != nil {
		return err
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(data, &links); err != nil {
		return fmt.Errorf("the list of links: %w", err)
	}
	for _, l := range links {
		from, to := filepath.FromSlash(strings.TrimPrefix(l.Source, "native/")), filepath.FromSlash(strings.TrimPrefix(l.Target, "native/"))
		if !filepath.IsLocal(from) || !filepath.IsLocal(to) {
			return fmt.Errorf("the list of links leads out of its folder: %s, %s", l.Source, l.Target)
		}
		relative, err := filepath.Rel(filepath.Dir(to), from)
		if err != nil {
			return err
		}
		if err := os.Symlink(relative, filepath.Join(dir, to)); err != nil {
			return err
		}
	}
	return nil
}
