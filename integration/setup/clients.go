package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
)

// The clients that the tests use beside psql and pgx. The versions are fixed, so that a new one cannot break old tests.
var (
	pythonClients = []string{"psycopg[binary]==3.2.9", "SQLAlchemy==2.0.41"}
	nodeClients   = []string{"pg@8.16.0", "pg-copy-streams@6.0.6"}
)

// installClients makes a Python environment and a node_modules folder with the clients. A file that lists them is written
// last and says what is there.
func installClients(ctx context.Context, dir string) error {
	stamp := filepath.Join(dir, "installed")
	want := strings.Join(pythonClients, "\n") + "\n" + strings.Join(nodeClients, "\n") + "\n"
	if got, err := os.ReadFile(stamp); err == nil && string(got) == want {
		return nil
	}
	say("fetching Postgres clients for Python and Node.js into %s", dir)
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	python, node := filepath.Join(dir, "python"), filepath.Join(dir, "node")
	if err := os.MkdirAll(node, 0o755); err != nil {
		return err
	}
	if err := command(ctx, nil, "python3", "-m", "venv", python); err != nil {
		return err
	}
	pip := append([]string{"-m", "pip", "install", "-q", "--disable-pip-version-check"}, pythonClients...)
	if err := command(ctx, nil, filepath.Join(python, "bin", "python"), pip...); err != nil {
		return err
	}
	npm := append([]string{"install", "--silent", "--no-audit", "--no-fund", "--prefix", node}, nodeClients...)
	if err := command(ctx, nil, "npm", npm...); err != nil {
		return err
	}
	return os.WriteFile(stamp, []byte(want), 0o644)
}
