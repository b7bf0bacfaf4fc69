package main

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// The clients that the tests use beside psql and pgx. The versions are fixed, so that a new one cannot break old tests.
var (
	pythonClients = []string{
		"psycopg[binary]==3.2.9", "psycopg-pool==3.2.6", "SQLAlchemy==2.0.41", "asyncpg==0.31.0", "pg8000==1.31.6",
		// what Django, asyncpg's and pg8000's own tests need
		"asgiref==3.8.1", "sqlparse==0.5.3", "pytest==8.3.5", "pytest-mock==3.14.0", "pytz==2025.2", "distro==1.9.0",
	}
	// pythonSources are packages whose tests are in their source distributions only.
	pythonSources = map[string]string{"asyncpg": "asyncpg==0.31.0", "pg8000": "pg8000==1.31.6", "django": "Django==5.2.8"}
	nodeClients   = []string{"pg@8.16.0", "pg-copy-streams@6.0.6", "pg-cursor@2.15.0", "postgres@3.4.7", "knex@3.1.0"}
	// javaClients are pgjdbc, and a compiler that needs no JDK.
	javaClients = map[string]string{"postgresql": "org.postgresql:postgresql:42.7.7", "ecj": "org.eclipse.jdt:ecj:3.36.0"}
)

// wantedClients is what the file says that lists what is there.
func wantedClients() string {
	lines := append(append([]string(nil), pythonClients...), nodeClients...)
	for _, packages := range []map[string]string{pythonSources, javaClients} {
		for _, name := range slices.Sorted(maps.Keys(packages)) {
			lines = append(lines, name+" "+packages[name])
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

// installClients makes a Python environment, a node_modules folder, folders of sources and one of jars. A file that lists them is
// written last and says what is there.
func installClients(ctx context.Context, dir string) error {
	stamp := filepath.Join(dir, "installed")
	want := wantedClients()
	if got, err := os.ReadFile(stamp); err == nil && string(got) == want {
		return nil
	}
	say("fetching Postgres clients for Python, Node.js and Java, some with their own tests, into %s", dir)
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	// Each fetcher waits for its registry most of the time.
	fetchers := []func(context.Context, string) error{installPython, installSources, installNode, installJava}
	failures := make([]error, len(fetchers))
	var wait sync.WaitGroup
	for i, fetch := range fetchers {
		wait.Go(func() { failures[i] = fetch(ctx, dir) })
	}
	wait.Wait()
	if err := errors.Join(failures...); err != nil {
		return err
	}
	return os.WriteFile(stamp, []byte(want), 0o644)
}

func installPython(ctx context.Context, dir string) error {
	return newPython(ctx, filepath.Join(dir, "python"), pythonClients)
}

// installSources unpacks source distributions, each into a folder of the package's name.
func installSources(ctx context.Context, dir string) error {
	for name, pin := range pythonSources {
		tmp, err := os.MkdirTemp("", "pgowl-setup-*")
		if err != nil {
			return err
		}
		defer os.RemoveAll(tmp)
		pip := []string{"-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps", "--no-binary", name, "-d", tmp, pin}
		if err := command(ctx, nil, "python3", pip...); err != nil {
			return err
		}
		archive, err := only(tmp, "*.tar.gz")
		if err != nil {
			return err
		}
		folder := filepath.Join(dir, "sources", name)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		if err := command(ctx, nil, "tar", "-xzf", archive, "--strip-components=1", "--no-same-owner", "-C", folder); err != nil {
			return err
		}
	}
	return nil
}

func installNode(ctx context.Context, dir string) error {
	node := filepath.Join(dir, "node")
	if err := os.MkdirAll(node, 0o755); err != nil {
		return err
	}
	npm := append([]string{"install", "--silent", "--no-audit", "--no-fund", "--prefix", node}, nodeClients...)
	return command(ctx, nil, "npm", npm...)
}

// installJava puts each jar under its short name.
func installJava(ctx context.Context, dir string) error {
	env, settings := mavenConf("/usr/share/maven/conf", "/etc/maven")
	jars := filepath.Join(dir, "jars")
	for name, artifact := range javaClients {
		tmp, err := os.MkdirTemp("", "pgowl-setup-*")
		if err != nil {
			return err
		}
		defer os.RemoveAll(tmp)
		args := append(settings[:len(settings):len(settings)], "-B", "-q", "dependency:copy", "-Dartifact="+artifact, "-DoutputDirectory="+tmp)
		if err := command(ctx, env, "mvn", args...); err != nil {
			return err
		}
		jar, err := only(tmp, "*.jar")
		if err != nil {
			return err
		}
		data, err := os.ReadFile(jar)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(jars, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(jars, name+".jar"), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
