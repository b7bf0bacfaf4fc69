package call

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/pgowl/pgowl/exec/function"
)

// forms is an array in both forms.
type forms struct {
	text   string
	binary []byte
}

func (f forms) Text() string   { return f.text }
func (f forms) Binary() []byte { return f.binary }

// TestVectorsArrive: beside the answer, also where their row is lost once, and as text where the snapshot stands still; the element type's number comes last.
func TestVectorsArrive(t *testing.T) {
	ctx := context.Background()
	l := newLane(t, 4, nil)
	c := l.session(t)
	array := forms{text: `{"{1,2.5}",NULL,"{-3}"}`}
	var element []byte
	if err := c.QueryRow(ctx, "SELECT array_send($1::text::pgowl.vector[]), oidsend('pgowl.vector'::regtype)", array.text).Scan(&array.binary, &element); err != nil {
		t.Fatal(err)
	}
	l.Arrays = map[string]ArrayFunc{"array": func(_ context.Context, _ function.Session, args [][]byte) (Array, error) {
		if len(args) != 2 || string(args[0]) != "x" || string(args[1]) != string(element) {
			t.Errorf("arguments %q", args)
		}
		return array, nil
	}, "fails": func(context.Context, function.Session, [][]byte) (Array, error) {
		return nil, function.Errorf("22023", "no such vectors")
	}}
	ask := func(begin string) {
		t.Helper()
		if _, err := c.Exec(ctx, begin); err != nil {
			t.Fatal(err)
		}
		var got string
		if err := c.QueryRow(ctx, "SELECT pgowl.call_vectors('array', ARRAY['x'::bytea])::text").Scan(&got); err != nil || got != array.text {
			t.Errorf("%s: %q, %v", begin, got, err)
		}
		if _, err := c.Exec(ctx, "COMMIT"); err != nil {
			t.Fatal(err)
		}
	}
	ask("BEGIN")
	ask("BEGIN ISOLATION LEVEL REPEATABLE READ")
	ask("BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY")
	if _, err := c.Exec(ctx, "SELECT pgowl.call_vectors('fails', '{}')"); err == nil || err.Error() != "ERROR: no such vectors (SQLSTATE 22023)" {
		t.Error(err)
	}
	for _, sql := range []string{
		"CREATE SEQUENCE replied",
		"CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN CASE WHEN nextval('public.replied') > 1 THEN NEW END; END $$",
		"CREATE TRIGGER lose BEFORE INSERT ON pgowl.replies FOR EACH ROW EXECUTE FUNCTION lose()",
	} {
		if _, err := c.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	ask("BEGIN")
	var left int
	other, err := pgx.Connect(ctx, l.url)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close(ctx)
	c.Close(ctx)
	if err := other.QueryRow(ctx, "SELECT count(*) FROM pgowl.replies").Scan(&left); err != nil || left != 0 {
		t.Errorf("%d rows are left, %v", left, err)
	}
}
