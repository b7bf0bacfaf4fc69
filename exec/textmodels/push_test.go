package textmodels

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgowl/pgowl/exec/hub"
	"github.com/pgowl/pgowl/models/text"
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
	weights := func(f string, data string) {
		os.Remove(filepath.Join(f, "onnx", "model.onnx"))
		write(t, f, "model.safetensors", []byte(data))
	}
	bert := []byte(`{"model_type":"bert","hidden_size":4,"vocab_size":154,"max_position_embeddings":32,"num_hidden_layers":1,"num_attention_heads":2,"intermediate_size":8,"type_vocab_size":2,"hidden_act":"gelu","layer_norm_eps":1e-12}`)
	table := `{"embeddings.word_embeddings.weight":{"dtype":"F32","shape":[154,4],"data_offsets":[0,2464]}}`
	table = string(binary.LittleEndian.AppendUint64(nil, uint64(len(table)))) + table + strings.Repeat("\x00", 2464)
	for name, c := range map[string]struct {
		change func(folder string)
		says   string
	}{
		"graph":     {func(f string) { write(t, f, "onnx/model.onnx", []byte("no graph")) }, "onnx/model.onnx: "},
		"missing":   {func(f string) { os.Remove(filepath.Join(f, "tokenizer.json")) }, "tokenizer.json"},
		"config":    {func(f string) { write(t, f, "config.json", []byte(`{"hidden_size":"many"}`)) }, "config.json: json: "},
		"tokenizer": {func(f string) { write(t, f, "tokenizer.json", []byte(`{}`)) }, `model "tokenizer": tokenizer.json`},
		"few ids": {func(f string) { write(t, f, "config.json", []byte(`{"hidden_size":4,"vocab_size":7}`)) },
			"tokenizer.json has ids up to 153, config.json has a vocabulary of 7"},
		"pooling": {func(f string) { write(t, f, "1_Pooling/config.json", []byte(`{"pooling_mode":"median"}`)) }, `1_Pooling/config.json: pooling mode "median" is not supported`},
		"step": {func(f string) {
			write(t, f, "modules.json", []byte(`[{"type":"x.Transformer","path":""},{"type":"x.Pooling","path":"pooling"}]`))
			write(t, f, "pooling/config.json", []byte(`{}`))
		}, "pooling/config.json is missing, or not where such files are"},
		"second": {func(f string) { write(t, f, "onnx/second.onnx", []byte("no graph")) }, "onnx/second.onnx: "},
		"cut off": {func(f string) {
			write(t, f, "config.json", bert)
			weights(f, table[:1000])
		}, "model.safetensors: "},
		"tensors": {func(f string) {
			write(t, f, "config.json", bert)
			weights(f, table)
		}, `model "tensors": the weights have no embeddings.`},
		"shards": {func(f string) {
			weights(f, "")
			os.Remove(filepath.Join(f, "model.safetensors"))
			write(t, f, "model.safetensors.index.json", []byte(`{"weight_map":{"a":"model-00001-of-00002.safetensors","b":"other.safetensors"}}`))
			write(t, f, "model-00001-of-00002.safetensors", []byte(table))
			write(t, f, "other.safetensors", []byte(table))
		}, "other.safetensors is missing, or not where such files are"},
		"pulled": {func(f string) {
			write(t, f, "pgowl.json", []byte(`{"files":{"config.json":{"size":2,"sha256":"`+strings.Repeat("00", 32)+`"}}}`))
		}, "config.json is not what was pulled"},
	} {
		name = strings.ReplaceAll(name, " ", "-")
		tiny(t, filepath.Join(dir, name), "mean")
		c.change(filepath.Join(dir, name))
		graph := ""
		if name == "second" {
			graph = "second.onnx"
		}
		if _, err := Push(t.Context(), conn, PushOptions{Dir: dir, Name: name, Graph: graph}); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %s", name, err, c.says)
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

// TestPushOpens: what only ONNX Runtime knows of a graph keeps it from being pushed where ONNX Runtime is there.
func TestPushOpens(t *testing.T) {
	runtime, err := text.LoadRuntime(library(t))
	if err != nil {
		t.Fatal(err)
	}
	_, conn := database(t)
	dir := t.TempDir()
	folder := filepath.Join(dir, "one")
	tiny(t, folder, "mean")
	write(t, folder, "config.json", []byte(`{"hidden_size":5,"vocab_size":154}`)) // the graph has four
	var model *text.ModelError
	if _, err := Push(t.Context(), conn, PushOptions{Dir: dir, Name: "one", Runtime: runtime}); !errors.As(err, &model) || !strings.Contains(err.Error(), "the output is 4 wide, config.json says 5") {
		t.Error(err)
	}
	if list, err := List(t.Context(), conn); len(list) != 0 || err != nil {
		t.Errorf("%+v %v", list, err)
	}
	tiny(t, folder, "mean")
	if changed, err := Push(t.Context(), conn, PushOptions{Dir: dir, Name: "one", Runtime: runtime}); err != nil || !changed {
		t.Error(changed, err)
	}
}

// TestPushedBy: who has pushed a model is what the server says.
func TestPushedBy(t *testing.T) {
	_, conn := database(t)
	const row = `INSERT INTO pgml.text_models (name, version, bytes, pushed_by, created_at) VALUES ('forged', repeat('0', 64), 0, 'somebody else', '2000-01-01')`
	for _, sql := range []string{row, `UPDATE pgml.text_models SET pushed_by = 'somebody else', created_at = '2000-01-01'`} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
		var by string
		var now bool
		if err := conn.QueryRow(t.Context(), `SELECT pushed_by, created_at > clock_timestamp()::timestamp - interval '1 day' FROM pgml.text_models`).Scan(&by, &now); err != nil || by != "postgres" || !now {
			t.Errorf("%s: %q, %v, %v", sql, by, now, err)
		}
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
