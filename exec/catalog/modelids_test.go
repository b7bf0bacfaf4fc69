package catalog

import (
	"context"
	"strings"
	"testing"
)

// TestModelNumbersGoOn replays what a registry went through that had models when their numbers moved to schema pgowl.
func TestModelNumbersGoOn(t *testing.T) {
	scripts, err := load(files)
	if err != nil {
		t.Fatal(err)
	}
	var goOn string
	for _, s := range scripts {
		if strings.HasSuffix(s.path(), "006_model_ids_go_on.sql") {
			goOn = s.body
		}
	}
	conn := migrated(t)
	registry(t, conn)
	next := func() (id int64) {
		t.Helper()
		if err := conn.QueryRow(context.Background(), `SELECT nextval('pgowl.models_id_seq')`).Scan(&id); err != nil {
			t.Fatal(err)
		}
		return id
	}
	var last int64
	if err := conn.QueryRow(context.Background(), `SELECT max(id) FROM pgml.models`).Scan(&last); err != nil {
		t.Fatal(err)
	}
	exec(t, conn, `ALTER SEQUENCE pgowl.models_id_seq RESTART`, goOn)
	if got := next(); got != last+1 {
		t.Errorf("behind model %d comes %d", last, got)
	}
	exec(t, conn, `SELECT setval('pgowl.models_id_seq', 1000)`, goOn)
	if got := next(); got != 1001 {
		t.Errorf("a number that was given already may come again: %d", got)
	}
	exec(t, conn, `DELETE FROM pgml.models`, goOn)
	if got := next(); got != 1002 {
		t.Errorf("an empty registry: got %d", got)
	}
}
