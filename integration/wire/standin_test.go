package wire

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// standIn makes a database whose pgml.predict is a function of its own that knows the answers, with the same signature and the same error,
// so that a server without a proxy can be asked what a client has to see.
func (w *world) standIn(t *testing.T) target {
	t.Helper()
	ctx := context.Background()
	if _, err := w.connect(t, w.direct).Exec(ctx, "CREATE DATABASE standin"); err != nil {
		t.Fatal(err)
	}
	stand := w.direct
	stand.name, stand.database = "stand-in", "standin"
	conn, err := pgx.Connect(ctx, "postgres://postgres@"+stand.address+"/standin?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	for _, sql := range []string{
		inputsTable, inputsNull, "CREATE SCHEMA pgml", "CREATE TABLE pgml.answers (project text, x real[], value real, PRIMARY KEY (project, x))",
		`CREATE FUNCTION pgml.predict(project_name text, features real[]) RETURNS real
		LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL RESTRICTED SECURITY DEFINER COST 1000 SET search_path = pg_catalog, pg_temp
		AS $$ BEGIN
			IF project_name NOT IN ('line', 'kinds') THEN
				RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = format('No deployed model exists for the project named: ` + "`%s`" + `', project_name);
			END IF;
			RETURN (SELECT a.value FROM pgml.answers a WHERE a.project = project_name AND a.x = features);
		END $$`,
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	rows, err := w.connect(t, w.owl).Query(ctx, `SELECT p, ARRAY[a, b]::real[], pgml.predict(p, ARRAY[a, b]::real[])
		FROM unnest('{line,kinds}'::text[]) p, generate_series(0, 12) a, generate_series(0, 12) b`)
	if err != nil {
		t.Fatal(err)
	}
	answers, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) ([]any, error) { return row.Values() })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.CopyFrom(ctx, pgx.Identifier{"pgml", "answers"}, []string{"project", "x", "value"}, pgx.CopyFromRows(answers)); err != nil {
		t.Fatal(err)
	}
	return stand
}

// standInFrame is where in the stand-in an error came from: the original is written in C and leaves no such line.
var standInFrame = regexp.MustCompile(`PL/pgSQL function pgml\.predict\(text,real\[\]\) line [0-9]+ at RAISE(\\n)?`)

// asOriginal takes out of a stand-in's answers what tells how it is made, and the log-in.
func asOriginal(runs map[int][]string) map[int][]string {
	all := map[int][]string{}
	for n, log := range afterLogin(runs) {
		for _, m := range log {
			all[n] = append(all[n], strings.Replace(standInFrame.ReplaceAllString(m, ""), ` W=""`, "", 1))
		}
	}
	return all
}

// afterLogin drops what comes before the first ReadyForQuery.
func afterLogin(runs map[int][]string) map[int][]string {
	all := map[int][]string{}
	for n, log := range runs {
		for i, m := range log {
			if m[0] == 'Z' {
				log = log[i+1:]
				break
			}
		}
		all[n] = log
	}
	return all
}

// playStandIn plays a script on the stand-in, and by every lane.
func (w *world) playStandIn(t *testing.T, stand target, s script) {
	want, _ := w.play(stand, whole, s.commands, seed)
	if failed := want[0]; failed != nil {
		t.Fatalf("stand-in: %s\n%v", failed, want)
	}
	played.note(s, want)
	want = early(asOriginal(want))
	dice := s.dice()
	var ways []way
	for _, f := range w.fronts {
		call := f.owl
		call.settings = []string{"standard_conforming_strings", "off"}
		for _, group := range [][]way{{{f.owl, whole}, {f.owl, cut}}, {{f.owl, bytewise}, {f.crumbs, slowly}}, {{call, cut}}} {
			if full {
				ways = append(ways, group...)
			} else {
				ways = append(ways, group[dice.IntN(len(group))])
			}
		}
		if !full {
			dice.Shuffle(len(ways), func(i, j int) { ways[i], ways[j] = ways[j], ways[i] })
			ways = ways[:len(ways)-1]
		}
	}
	for _, way := range ways {
		got := w.run(t, way.to, way.how, s.commands, seed)
		if way.to.settings == nil {
			got = afterLogin(got)
		}
		compare(t, way.String(), want, early(got))
		if t.Failed() {
			return
		}
	}
}
