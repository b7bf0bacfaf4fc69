package main

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/conf"
	"github.com/pgowl/pgowl/exec/hub"
	"github.com/pgowl/pgowl/exec/textmodels"
	"github.com/pgowl/pgowl/integration/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// TestModelsInDatabase plays push, list and rm --database.
func TestModelsInDatabase(t *testing.T) {
	database, dir := pgtest.Database(t), t.TempDir()
	for name, from := range map[string]string{"tokenizer.json": "tokenize/testdata/uncased.json", "onnx/model.onnx": "testdata/tiny.onnx", "config.json": ""} {
		data := []byte(`{"hidden_size":4}`)
		if from != "" {
			var err error
			if data, err = os.ReadFile(filepath.Join("models", "text", filepath.FromSlash(from))); err != nil {
				t.Fatal(err)
			}
		}
		path := filepath.Join(dir, "org", "one", filepath.FromSlash(name))
		os.MkdirAll(filepath.Dir(path), 0o755)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c := conf.Config{Models: dir, Service: conf.Secret(database)}
	do := func(args ...string) error {
		c.Args = args
		return models(t.Context(), c)
	}
	if err := do("list"); err != nil {
		t.Error("before the catalog:", err)
	}
	if err := do("push", "org/one"); !errors.Is(err, textmodels.ErrNoCatalog) {
		t.Error(err)
	}
	if err := install(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"push", "org/one"}, {"push", "org/one:model.onnx", "org/one"}, {"list"}, {"rm", "--database", "org/one"}, {"list"}} {
		if err := do(args...); err != nil {
			t.Errorf("%v: %v", args, err)
		}
	}
	if err := do("rm", "--database", "org/one"); !errors.As(err, new(*textmodels.NotFoundError)) {
		t.Error(err)
	}
	if err := do("push", "org/one:none.onnx"); err == nil || !strings.Contains(err.Error(), "none.onnx") {
		t.Error(err)
	}
	c.Service = ""
	if err := do("push", "org/one"); err == nil || !strings.Contains(err.Error(), "PGOWL_SERVICE is not set") {
		t.Error(err)
	}
}

// TestPullWhitelist: what the setting of the service connection does not name is not asked of the hub.
func TestPullWhitelist(t *testing.T) {
	database := pgtest.Database(t)
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	c := conf.Config{Models: t.TempDir(), Service: conf.Secret(database), HubEndpoint: "http://127.0.0.1:1", Args: []string{"pull", "org/one"}}
	if _, err := conn.Exec(t.Context(), `ALTER DATABASE `+pgx.Identifier{strings.TrimPrefix(u.Path, "/")}.Sanitize()+` SET pgml.huggingface_whitelist = 'org/other'`); err != nil {
		t.Fatal(err)
	}
	var refused *hub.NotAllowedError
	if err := models(t.Context(), c); !errors.As(err, &refused) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // it is the hub's turn, and would be asked again for seconds
	c.Args[1] = "org/other"
	if list, err := whitelist(t.Context(), c); err != nil || hub.Allow(list, c.Args[1]) != nil {
		t.Error(list, err)
	}
	c.Service = "postgres://nobody@127.0.0.1:1/x?connect_timeout=5"
	if err := models(ctx, c); err == nil {
		t.Error("a list that cannot be read allows everything")
	}
}
