package texts

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pgowl/pgowl/models/text"
)

// TestBFloat16: where OpenVINO is there and the processors can, it is what was asked for; else the error says what is missing.
func TestBFloat16(t *testing.T) {
	const call = `SELECT round((pgml.embed('plain', 'hello', '{"model_kwargs": {"torch_dtype": "bfloat16"}}'))[4]::numeric, 2)::text`
	options := rankers(t)
	owl, _ := connect(t, options)
	_, err := owl.Exec(t.Context(), call)
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != "58P01" || !strings.Contains(pg.Message, "make setup-openvino") {
		t.Errorf("without the library: %v", err)
	}
	if options.OpenVINO = os.Getenv("PGOWL_OPENVINO"); options.OpenVINO == "" {
		options.OpenVINO = text.FindOpenVINO("")
	}
	if options.OpenVINO == "" {
		t.Skip("no OpenVINO: PGOWL_OPENVINO")
	}
	_, able, has, err := text.TryOpenVINO(options.OpenVINO)
	if err != nil {
		t.Fatal(err)
	}
	owl, _ = connect(t, options)
	if !able {
		_, err := owl.Exec(t.Context(), call)
		if !errors.As(err, &pg) || pg.Code != "0A000" || !strings.Contains(pg.Message, has) {
			t.Errorf("on a processor with %s: %v", has, err)
		}
		return
	}
	for _, c := range []struct{ sql, want string }{
		{call, "1.00"},
		{`SELECT count(*)::text FROM pgml.rank('cross', 'hello', ARRAY['hello', 'a'], '{"model_kwargs": {"dtype": "bf16"}}')`, "2"},
		{`SELECT (pgml.embed('plain', 'hello'))[4]::text`, "1"},
	} {
		var got string
		if err := owl.QueryRow(t.Context(), c.sql).Scan(&got); err != nil || got != c.want {
			t.Errorf("%s: %s, want %s (%v)", c.sql, got, c.want, err)
		}
	}
}
