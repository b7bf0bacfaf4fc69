package textmodels

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pgowl/pgowl/integration/pgtest"
	"github.com/pgowl/pgowl/models/text"
	"github.com/pgowl/pgowl/models/text/names"
)

func parsed(t *testing.T, name string) names.Name {
	t.Helper()
	n, err := names.Parse(name)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// embed is the vector of a text.
func embed(t *testing.T, s *text.Store, name string) []float32 {
	t.Helper()
	v, err := s.Embed(t.Context(), name, []string{"hello a b"}, text.EmbedOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return v[0]
}

// TestShared: a proxy whose folder has not got a model embeds as the one whose folder has it; another version is found, also after the folder was emptied.
func TestShared(t *testing.T) {
	url, conn := database(t)
	first, second := t.TempDir(), t.TempDir()
	tiny(t, filepath.Join(first, "one"), "mean")
	store := func(dir string, s text.Source) *text.Store {
		s2 := text.NewStore(text.StoreOptions{Dir: dir, Library: library(t), CacheBytes: 1 << 20, Source: s})
		t.Cleanup(func() { s2.Close() })
		return s2
	}
	a, b := store(first, nil), store(second, source(t, url, second))
	var missing *text.MissingError
	if _, err := b.Embed(t.Context(), "one", []string{"x"}, text.EmbedOptions{}); !errors.As(err, &missing) {
		t.Fatal(err)
	}
	write(t, filepath.Join(first, "one"), "pgowl.json", []byte(`{"revision":"v1.2","commit":"0123456789abcdef"}`))
	push(t, conn, first, "one")
	want := embed(t, a, "one")
	if got := embed(t, b, "sentence-transformers/one"); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for revision, known := range map[string]bool{"v1.2": true, "0123456": true, "v1.3": false} {
		if _, err := b.Embed(t.Context(), "one", []string{"x"}, text.EmbedOptions{Revision: revision}); (err == nil) != known {
			t.Errorf("revision %s: %v", revision, err)
		}
	}
	if list, err := b.List(); err != nil || len(list) != 0 {
		t.Errorf("what was taken from the database is listed as the folder's: %q %v", list, err)
	}
	if err := os.RemoveAll(filepath.Join(second, cacheFolder)); err != nil {
		t.Fatal(err)
	}
	if got := embed(t, b, "one"); !slices.Equal(got, want) {
		t.Errorf("the folder emptied: %v, want %v", got, want)
	}
	tiny(t, filepath.Join(first, "one"), "cls")
	push(t, conn, first, "one")
	b.Refresh()
	changed := embed(t, b, "one")
	if slices.Equal(changed, want) || !slices.Equal(changed, embed(t, store(first, nil), "one")) {
		t.Errorf("the new version: %v, the old one %v", changed, want)
	}
	// Calls during a change have the old one or the new one.
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 50 {
				if _, err := b.Embed(t.Context(), "one", []string{"x", "y"}, text.EmbedOptions{}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 4 {
		tiny(t, filepath.Join(first, "one"), []string{"mean", "cls"}[i%2])
		push(t, conn, first, "one")
		b.Refresh()
	}
	group.Wait()
	if err := Remove(t.Context(), conn, "one"); err != nil {
		t.Fatal(err)
	}
	b.Refresh()
	if _, err := b.Embed(t.Context(), "one", []string{"x"}, text.EmbedOptions{}); !errors.As(err, &missing) {
		t.Errorf("after the removal: %v", err)
	}
}

// TestSharedEviction: models that make room for each other come back, whoever asks.
func TestSharedEviction(t *testing.T) {
	url, conn := database(t)
	from, to := t.TempDir(), t.TempDir()
	all := []string{"one", "two", "org/three"}
	for _, name := range all {
		tiny(t, filepath.Join(from, name), "mean")
		push(t, conn, from, name)
	}
	s := text.NewStore(text.StoreOptions{Dir: to, Library: library(t), MemoryBytes: 4000, Source: source(t, url, to)}) // one and a half graphs
	defer s.Close()
	var group sync.WaitGroup
	for i := range 6 {
		group.Go(func() {
			for j := range 12 {
				if v, err := s.Embed(t.Context(), all[(i+j)%3], []string{"hello"}, text.EmbedOptions{}); err != nil || len(v[0]) != 4 {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
}

// TestFolder: many at a time get the same whole folder, what was damaged is fetched again, and what cannot be kept is removed when it was loaded.
func TestFolder(t *testing.T) {
	url, conn := database(t)
	from, to := t.TempDir(), t.TempDir()
	tiny(t, filepath.Join(from, "one"), "mean")
	write(t, filepath.Join(from, "one"), "onnx/model.onnx_data", slices.Repeat([]byte("0123456789"), 250_000))
	push(t, conn, from, "one")
	name := parsed(t, "one")
	version, err := source(t, url, to).Version(t.Context(), name)
	if err != nil || version == "" {
		t.Fatal(version, err)
	}
	check := func(dir string) {
		t.Helper()
		for _, file := range []string{"config.json", "tokenizer.json", "modules.json", "1_Pooling/config.json", "onnx/model.onnx", "onnx/model.onnx_data"} {
			got, _ := os.ReadFile(filepath.Join(dir, file))
			want, _ := os.ReadFile(filepath.Join(from, "one", file))
			if string(got) != string(want) || len(want) == 0 {
				t.Errorf("%s: %d bytes, want %d", file, len(got), len(want))
			}
		}
	}
	var group sync.WaitGroup
	for range 4 {
		s := source(t, url, to)
		group.Go(func() {
			dir, loaded, err := s.Folder(t.Context(), name, version)
			if err != nil {
				t.Error(err)
				return
			}
			loaded()
			if want := filepath.Join(to, cacheFolder, "sentence-transformers--one", version); dir != want {
				t.Errorf("%s, want %s", dir, want)
			}
		})
	}
	group.Wait()
	s := source(t, url, to)
	dir, _, err := s.Folder(t.Context(), name, version)
	if err != nil {
		t.Fatal(err)
	}
	check(dir)
	if got := tree(to); len(got) != 6 {
		t.Errorf("left over: %q", got)
	}
	write(t, dir, "config.json", []byte("{}"))
	again, _, err := s.Folder(t.Context(), name, version)
	if err != nil || again != dir {
		t.Fatal(again, err)
	}
	check(dir)

	blocked := filepath.Join(t.TempDir(), "file")
	os.WriteFile(blocked, nil, 0o644)
	for _, place := range []string{filepath.Join(blocked, "models"), ""} {
		dir, loaded, err := source(t, url, place).Folder(t.Context(), name, version)
		if err != nil {
			t.Fatal(err)
		}
		check(dir)
		loaded()
		if _, err := os.Stat(dir); err == nil {
			t.Error("the temporary folder is left")
		}
	}
}

// TestFolderCancelled: a fetch that is given up leaves nothing, and says why.
func TestFolderCancelled(t *testing.T) {
	url, conn := database(t)
	from, to := t.TempDir(), t.TempDir()
	tiny(t, filepath.Join(from, "one"), "mean")
	push(t, conn, from, "one")
	s := source(t, url, to)
	name := parsed(t, "one")
	version, err := s.Version(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	// A lock on the parts holds the fetch up where it has begun to write.
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background())
	if _, err := tx.Exec(t.Context(), `LOCK pgml.text_model_parts`); err != nil {
		t.Fatal(err)
	}
	cause := errors.New("given up")
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error)
	go func() {
		_, _, err := s.Folder(ctx, name, version)
		ended <- err
	}()
	waiting := connect(t, url)
	for n := 0; n == 0; {
		if err := waiting.QueryRow(t.Context(), `SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'pgml.text_model_parts'::regclass`).Scan(&n); err != nil {
			t.Fatal(err)
		}
	}
	cancel(cause)
	if err := <-ended; !errors.Is(err, cause) {
		t.Error(err)
	}
	if left := tree(to); len(left) != 0 {
		t.Errorf("left over: %q", left)
	}

	// So does a store that is closed, and a caller that goes away.
	store := text.NewStore(text.StoreOptions{Dir: to, Library: library(t), Source: s})
	ctx, cancel = context.WithCancelCause(t.Context())
	go func() {
		_, err := store.Embed(ctx, "one", []string{"x"}, text.EmbedOptions{})
		ended <- err
	}()
	for n := 0; n == 0; {
		if err := waiting.QueryRow(t.Context(), `SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'pgml.text_model_parts'::regclass`).Scan(&n); err != nil {
			t.Fatal(err)
		}
	}
	cancel(cause)
	if err := <-ended; !errors.Is(err, cause) {
		t.Error(err)
	}
	store.Close()
}

// TestHostileRows: what stands in the tables is not believed.
func TestHostileRows(t *testing.T) {
	url, conn := database(t)
	from := t.TempDir()
	tiny(t, filepath.Join(from, "one"), "mean")
	name := parsed(t, "one")
	for what, sql := range map[string]string{
		"a changed byte":     `UPDATE pgml.text_model_parts SET data = '\x00'::bytea || substr(data, 2) WHERE path = 'config.json'`,
		"a missing part":     `DELETE FROM pgml.text_model_parts WHERE path = 'onnx/model.onnx'`,
		"a shifted part":     `UPDATE pgml.text_model_parts SET part = part + 1 WHERE path = 'onnx/model.onnx'`,
		"more than its size": `INSERT INTO pgml.text_model_parts SELECT model_id, path, part + 1, data FROM pgml.text_model_parts WHERE path = 'config.json'`,
		"another sum":        `UPDATE pgml.text_model_files SET sha256 = sha256('x') WHERE path = 'config.json'`,
		"another size":       `UPDATE pgml.text_model_files SET size = 1::bigint << 40 WHERE path = 'config.json'`,
		"a path outwards": `ALTER TABLE pgml.text_model_files DROP CONSTRAINT text_model_files_path_check;
			INSERT INTO pgml.text_model_files SELECT model_id, '../../evil', 0, sha256 FROM pgml.text_model_files WHERE path = 'config.json'`,
		"another file":   `INSERT INTO pgml.text_model_files SELECT model_id, 'evil.py', 0, sha256 FROM pgml.text_model_files WHERE path = 'config.json'`,
		"too many files": `INSERT INTO pgml.text_model_files SELECT model_id, 'f' || n, 0, sha256 FROM pgml.text_model_files, generate_series(1, 300) n WHERE path = 'config.json'`,
		"no version":     `UPDATE pgml.text_models SET version = repeat('0', 64)`,
	} {
		if _, err := Push(t.Context(), conn, PushOptions{Dir: from, Name: "one"}); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		to := t.TempDir()
		s := source(t, url, to)
		version, err := s.Version(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		dir, _, err := s.Folder(t.Context(), name, version)
		var bad *Error
		if !errors.As(err, &bad) || strings.Contains(err.Error(), to) {
			t.Errorf("%s: %q %v", what, dir, err)
		}
		if left := tree(to); len(left) != 0 {
			t.Errorf("%s: left over: %q", what, left)
		}
		if err := Remove(t.Context(), conn, "one"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNoTables: a database without the catalog has no models, and one that cannot be reached says so without telling who asks.
func TestNoTables(t *testing.T) {
	url := pgtest.Database(t)
	if v, err := source(t, url, t.TempDir()).Version(t.Context(), parsed(t, "one")); v != "" || err != nil {
		t.Error(v, err)
	}
	conn, dir := connect(t, url), t.TempDir()
	tiny(t, filepath.Join(dir, "one"), "mean")
	if _, err := Push(t.Context(), conn, PushOptions{Dir: dir, Name: "one"}); !errors.Is(err, ErrNoCatalog) {
		t.Error(err)
	}
	if list, err := List(t.Context(), conn); len(list) != 0 || err != nil {
		t.Error(list, err)
	}
	nobody := source(t, "postgres://someone@127.0.0.1:1/x?connect_timeout=5", t.TempDir())
	if _, err := nobody.Version(t.Context(), parsed(t, "one")); err == nil || strings.Contains(err.Error(), "someone") {
		t.Error(err)
	}
	if v, err := (&Source{Pool: func() *pgxpool.Pool { return nil }}).Version(t.Context(), parsed(t, "one")); v != "" || err != nil {
		t.Error(v, err)
	}
}
