package textmodels

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgowl/pgowl/exec/hub"
	"github.com/pgowl/pgowl/models/text/names"
)

func TestPush(t *testing.T) {
	_, conn := database(t)
	dir := t.TempDir()
	folder := filepath.Join(dir, "one")
	tiny(t, folder, "mean")
	write(t, folder, "notes.txt", []byte("not the engine's"))
	write(t, folder, "onnx/model.onnx_data", make([]byte, 2*partSize+5))
	write(t, folder, "LICENSE", nil)
	last := map[string]int64{}
	changed, err := Push(t.Context(), conn, PushOptions{Dir: dir, Name: "sentence-transformers/one", Progress: func(file string, done, total int64) {
		if done < last[file] || done > total {
			t.Errorf("%s: %d of %d after %d", file, done, total, last[file])
		}
		last[file] = done
	}})
	if err != nil || !changed || last["onnx/model.onnx_data"] != 2*partSize+5 {
		t.Fatal(changed, err, last)
	}
	if push(t, conn, dir, "one") {
		t.Error("the same files are pushed again")
	}
	list, err := List(t.Context(), conn)
	if err != nil || len(list) != 1 || list[0].Name != "one" || list[0].PushedBy != "postgres" || list[0].Bytes < 2*partSize {
		t.Fatalf("%+v %v", list, err)
	}
	var parts, files int
	conn.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM pgml.text_model_parts), (SELECT count(*) FROM pgml.text_model_files)`).Scan(&parts, &files)
	if files != 7 || parts != 5+3 { // an empty file has none
		t.Errorf("%d files in %d parts", files, parts)
	}
	before := list[0].Version
	tiny(t, folder, "cls")
	if !push(t, conn, dir, "one") {
		t.Error("changed files are not pushed")
	}
	if list, _ = List(t.Context(), conn); len(list) != 1 || list[0].Version == before {
		t.Errorf("%+v", list)
	}
	if err := Remove(t.Context(), conn, "one"); err != nil {
		t.Error(err)
	}
	conn.QueryRow(t.Context(), `SELECT count(*) FROM pgml.text_model_parts`).Scan(&parts)
	if err := Remove(t.Context(), conn, "one"); !errors.As(err, new(*NotFoundError)) || parts != 0 {
		t.Error(err, parts)
	}
}

// TestPushGraphs: a graph that the database has is pushed with the others from then on, as hub.Pull fetches it.
func TestPushGraphs(t *testing.T) {
	_, conn := database(t)
	dir := t.TempDir()
	folder := filepath.Join(dir, "org", "one")
	tiny(t, folder, "mean")
	graph, _ := os.ReadFile(filepath.Join(folder, "onnx", "model.onnx"))
	write(t, folder, "onnx/small.onnx", graph)
	graphs := func() string {
		g, err := graphsOf(t.Context(), conn, "org/one")
		if err != nil {
			t.Error(err)
		}
		return fmt.Sprint(len(g), strings.Contains(fmt.Sprint(g), "small"))
	}
	push(t, conn, dir, "org/one")
	if got := graphs(); got != "1 false" {
		t.Error(got)
	}
	if _, err := Push(t.Context(), conn, PushOptions{Dir: dir, Name: "org/one", Graph: "small.onnx"}); err != nil {
		t.Error(err)
	}
	tiny(t, folder, "cls")
	push(t, conn, dir, "org/one")
	if got := graphs(); got != "2 true" {
		t.Error(got)
	}
}

func TestPushRefuses(t *testing.T) {
	_, conn := database(t)
	dir := t.TempDir()
	for name, change := range map[string]func(folder string){
		"graph":   func(f string) { write(t, f, "onnx/model.onnx", []byte("no graph")) },
		"missing": func(f string) { os.Remove(filepath.Join(f, "tokenizer.json")) },
		"pulled": func(f string) {
			write(t, f, "pgowl.json", []byte(`{"files":{"config.json":{"size":2,"sha256":"`+strings.Repeat("00", 32)+`"}}}`))
		},
	} {
		tiny(t, filepath.Join(dir, name), "mean")
		change(filepath.Join(dir, name))
		if _, err := Push(t.Context(), conn, PushOptions{Dir: dir, Name: name}); err == nil {
			t.Errorf("%s: pushed", name)
		}
	}
	if _, err := Push(t.Context(), conn, PushOptions{Dir: dir, Name: "none"}); !errors.As(err, new(*hub.NotInstalledError)) {
		t.Error(err)
	}
	if _, err := Push(t.Context(), conn, PushOptions{Dir: dir, Name: "../x"}); !errors.As(err, new(*names.Error)) {
		t.Error(err)
	}
	if list, err := List(t.Context(), conn); len(list) != 0 || err != nil {
		t.Errorf("%+v %v", list, err)
	}
}

// TestKilledPush: a push that is cut off, by its own end or by the server's, leaves what was there.
func TestKilledPush(t *testing.T) {
	url, conn := database(t)
	dir := t.TempDir()
	folder := filepath.Join(dir, "one")
	tiny(t, folder, "mean")
	push(t, conn, dir, "one")
	before, _ := List(t.Context(), conn)
	tiny(t, folder, "cls")
	write(t, folder, "onnx/model.onnx_data", make([]byte, 3*partSize))
	for name, kill := range map[string]func(pid uint32, cancel context.CancelFunc){
		"cancelled": func(_ uint32, cancel context.CancelFunc) { cancel() },
		"terminated": func(pid uint32, _ context.CancelFunc) {
			if _, err := conn.Exec(t.Context(), `SELECT pg_terminate_backend($1)`, int32(pid)); err != nil {
				t.Error(err)
			}
		},
	} {
		pusher := connect(t, url)
		ctx, cancel := context.WithCancel(t.Context())
		_, err := Push(ctx, pusher, PushOptions{Dir: dir, Name: "one", Progress: func(file string, done, _ int64) {
			if file == "onnx/model.onnx_data" && done == 2*partSize {
				kill(pusher.PgConn().PID(), cancel)
			}
		}})
		cancel()
		after, problem := List(t.Context(), conn)
		if err == nil || problem != nil || len(after) != 1 || after[0] != before[0] {
			t.Errorf("%s: %v; %+v, before %+v, %v", name, err, after, before, problem)
		}
	}
	var parts int
	conn.QueryRow(t.Context(), `SELECT count(*) FROM pgml.text_model_parts`).Scan(&parts)
	if parts != 5 {
		t.Errorf("%d parts", parts)
	}
}

// TestRights: nobody but the owner reads or writes models, unless he says so.
func TestRights(t *testing.T) {
	url, conn := database(t)
	dir := t.TempDir()
	tiny(t, filepath.Join(dir, "one"), "mean")
	if _, err := conn.Exec(t.Context(), `CREATE ROLE textmodels_pusher; GRANT USAGE ON SCHEMA pgml TO textmodels_pusher`); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Exec(context.Background(), `RESET ROLE; DROP OWNED BY textmodels_pusher; DROP ROLE textmodels_pusher`)
	})
	other := connect(t, url)
	if _, err := other.Exec(t.Context(), `SET ROLE textmodels_pusher`); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{`SELECT FROM pgml.text_models`, `SELECT FROM pgml.text_model_parts`, `DELETE FROM pgml.text_models`, `INSERT INTO pgml.text_model_files VALUES (1, 'a', 0, '')`} {
		_, err := other.Exec(t.Context(), sql)
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || pg.Code != "42501" {
			t.Errorf("%s: %v", sql, err)
		}
	}
	if _, err := Push(t.Context(), other, PushOptions{Dir: dir, Name: "one"}); err == nil {
		t.Error("pushed without the right")
	}
	if _, err := conn.Exec(t.Context(), `GRANT SELECT, INSERT, DELETE ON pgml.text_models, pgml.text_model_files, pgml.text_model_parts TO textmodels_pusher`); err != nil {
		t.Fatal(err)
	}
	if _, err := Push(t.Context(), other, PushOptions{Dir: dir, Name: "one"}); err != nil {
		t.Errorf("with the right: %v", err)
	}
	tiny(t, filepath.Join(dir, "one"), "cls")
	if !push(t, other, dir, "one") {
		t.Error("a second time: nothing changed")
	}
}
