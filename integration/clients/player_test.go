package clients

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/jackc/pgx/v5"

	"github.com/pgowl/pgowl/integration/story"
)

// client is a way to send statements. Results come as psql -At writes them: fields separated by |, a line a row.
type client interface {
	query(t *testing.T, sql string) (string, error)
	load(t *testing.T, sql, file string) error // sql is a COPY ... FROM STDIN
}

// play does all steps of the story through a client and wants each one's result. It may follow another play.
func play(t *testing.T, o *owl, c client) {
	t.Helper()
	runs := watchRuns(t, o)
	for _, step := range story.Steps() {
		var got string
		var err error
		switch step.Kind {
		case story.Load:
			err = c.load(t, step.Text, headlines(t))
		case story.Wait:
			got, err = c.query(t, step.Text)
			for err == nil && !step.Want.MatchString(got) {
				runs.next(t)
				got, err = c.query(t, step.Text)
			}
		case story.HTTP:
			status, body := o.post(t, step.Text, step.Body, "Authorization: Bearer "+token(t, story.WebRole, time.Now().Add(time.Hour)))
			if status != 200 {
				t.Fatalf("POST %s: status %d, %s", step.Text, status, body)
			}
			got = body
		default:
			got, err = c.query(t, step.Text)
		}
		if err != nil {
			t.Fatalf("%s\n%v", step.Text, err)
		}
		if step.Want != nil && !step.Want.MatchString(got) {
			t.Fatalf("%s\ngot  %s\nwant %s", step.Text, got, step.Want)
		}
	}
	for _, sql := range []string{ // for sqlRefusals
		`DROP TABLE IF EXISTS null_labels`,
		`CREATE TABLE null_labels AS SELECT x::real, CASE WHEN x > 1 THEN x % 2 END AS y FROM generate_series(1, 20) x`,
	} {
		if _, err := c.query(t, sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

// runs is a session that hears of each job run that ends.
type runs struct{ conn *pgx.Conn }

func watchRuns(t *testing.T, o *owl) runs {
	t.Helper()
	conn := o.connect(t)
	maker := conn
	if o.owner != "" {
		var err error
		if maker, err = pgx.Connect(t.Context(), o.owner); err != nil {
			t.Fatal(err)
		}
		defer maker.Close(context.Background())
	}
	for _, sql := range []string{
		`CREATE OR REPLACE FUNCTION public.tell_run() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NOTIFY test_runs; RETURN NULL; END $$`,
		`CREATE OR REPLACE TRIGGER tell_run AFTER UPDATE ON cron.job_run_details FOR EACH ROW WHEN (NEW.end_time IS NOT NULL) EXECUTE FUNCTION public.tell_run()`,
	} {
		if _, err := maker.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	if _, err := conn.Exec(t.Context(), `LISTEN test_runs`); err != nil {
		t.Fatal(err)
	}
	return runs{conn}
}

func (r runs) next(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	if _, err := r.conn.WaitForNotification(ctx); err != nil {
		t.Fatalf("no job ran: %v", err)
	}
}

func headlines(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", filepath.FromSlash(story.Headlines)))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// token is a bearer token of a role.
func token(t *testing.T, role string, expires time.Time) string {
	t.Helper()
	claims := jwt.MapClaims{"role": role, "exp": expires.Unix()}
	signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(jwtSecret))
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// lines joins rows of fields as psql -At does.
func lines(rows [][]string) string {
	out := make([]string, len(rows))
	for i, row := range rows {
		out[i] = strings.Join(row, "|")
	}
	return strings.Join(out, "\n")
}
