package textmodels

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap"

	"github.com/pgowl/pgowl/exec/catalog"
	"github.com/pgowl/pgowl/integration/pgtest"
	"github.com/pgowl/pgowl/models/text"
)

func TestMain(m *testing.M) { pgtest.MainLeaks(m, nil, "pgowl/exec/textmodels") }

// database is one with a catalog.
func database(t *testing.T) (url string, conn *pgx.Conn) {
	t.Helper()
	url = pgtest.Database(t)
	conn = connect(t, url)
	if _, err := catalog.Migrate(t.Context(), conn, zap.NewNop()); err != nil {
		t.Fatal(err)
	}
	return url, conn
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// source is a proxy's, with a model folder.
func source(t *testing.T, url, dir string) *Source {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return &Source{Dir: dir, Pool: func() *pgxpool.Pool { return pool }}
}

// tiny lays out a model of four numbers a token in a folder: the tokens' mean, or the first one's.
func tiny(t *testing.T, folder, pooling string) {
	t.Helper()
	write(t, folder, "config.json", []byte(`{"hidden_size":4,"vocab_size":154,"max_position_embeddings":32}`))
	write(t, folder, "modules.json", []byte(`[{"type":"sentence_transformers.models.Transformer","path":""},{"type":"sentence_transformers.models.Pooling","path":"1_Pooling"}]`))
	write(t, folder, "1_Pooling/config.json", []byte(`{"pooling_mode":"`+pooling+`"}`))
	for name, from := range map[string]string{"tokenizer.json": "tokenize/testdata/uncased.json", "onnx/model.onnx": "testdata/tiny.onnx"} {
		data, err := os.ReadFile(filepath.Join("..", "..", "models", "text", filepath.FromSlash(from)))
		if err != nil {
			t.Fatal(err)
		}
		write(t, folder, name, data)
	}
}

func write(t *testing.T, folder, name string, data []byte) {
	t.Helper()
	path := filepath.Join(folder, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// library is ONNX Runtime's, without which the test is skipped.
func library(t *testing.T) string {
	t.Helper()
	path := os.Getenv("PGOWL_ONNXRUNTIME")
	if path == "" {
		data := os.Getenv("PGOWL_DATA")
		if data == "" {
			home, _ := os.UserHomeDir()
			data = filepath.Join(home, ".local", "share", "pgowl")
		}
		path = text.FindLibrary(data)
	}
	if path == "" {
		t.Skip("ONNX Runtime is not installed: run make setup")
	}
	return path
}

// push pushes a model, and fails the test if that fails.
func push(t *testing.T, conn *pgx.Conn, dir, name string) bool {
	t.Helper()
	changed, err := Push(t.Context(), conn, PushOptions{Dir: dir, Name: name})
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

// tree counts the files below a folder.
func tree(dir string) (paths []string) {
	filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			relative, _ := filepath.Rel(dir, path)
			paths = append(paths, filepath.ToSlash(relative))
		}
		return nil
	})
	return paths
}
