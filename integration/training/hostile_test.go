package training

import (
	"fmt"
	"strings"
	"testing"
)

// TestTraps puts relations into a project that would run code with the rights of whoever trains it next.
func TestTraps(t *testing.T) {
	w := open(t)
	w.run(tables + `; CREATE SCHEMA mal; GRANT CREATE, USAGE ON SCHEMA mal TO ` + w.name + `; GRANT USAGE ON SCHEMA mal TO PUBLIC;
		CREATE TABLE hits (who text); GRANT INSERT ON hits TO PUBLIC`)
	const trap = `CREATE FUNCTION mal.taken(x real) RETURNS real LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.hits VALUES (current_user); RETURN x; END $$;
		CREATE VIEW mal.trap AS SELECT mal.taken(petal) AS petal, kind FROM public.flowers; GRANT SELECT ON mal.trap TO PUBLIC`
	if _, err := w.alice.Exec(t.Context(), trap); err != nil {
		t.Fatal(err)
	}
	const train = `SELECT deployed FROM pgml.train('flowers', 'classification', `
	w.want(train+`'mal.trap', 'kind', 'xgboost')`, "t")
	w.want(`SELECT deployed FROM pgml.train('flowers', algorithm => 'xgboost', automatic_deploy => false)`, "f") // her own

	refused := func(snapshot int, relation string) string {
		return fmt.Sprintf("42501 snapshot %d of project `flowers` is of relation \"mal\".\"%s\", which %s has chosen / "+
			"Reading it could run functions of others with your rights. Pass a relation_name, if that is what you want.", snapshot, relation, w.name)
	}
	// The superuser trains it again, and reads no view of hers.
	alice := w.alice
	w.alice = w.dial(strings.Replace(w.owl, w.name+"@", "postgres@", 1))
	w.want(`SELECT deployed FROM pgml.train('flowers', algorithm => 'xgboost')`, refused(1, "trap"))
	w.want(`SELECT count(*) FROM hits WHERE who <> '`+w.name+`'`, "0")

	// Nor in a function of his that she calls.
	w.run(`CREATE FUNCTION again() RETURNS boolean LANGUAGE sql SECURITY DEFINER AS $$ SELECT deployed FROM pgml.train('flowers', algorithm => 'xgboost') $$`)
	super := w.alice
	w.alice = alice
	w.want(`SELECT again()`, refused(1, "trap")+` / SQL function "again" statement 1`)
	w.want(`SELECT count(*) FROM hits WHERE who <> '`+w.name+`'`, "42501 permission denied for table hits")

	// A table is no trap, but with a policy, or once it is a view.
	if _, err := w.alice.Exec(t.Context(), `CREATE TABLE mal.plain AS SELECT * FROM public.flowers`); err != nil {
		t.Fatal(err)
	}
	w.want(`SELECT true FROM pgml.train('flowers', 'classification', 'mal.plain', 'kind', 'xgboost')`, "t")
	w.alice = super
	w.want(`SELECT true FROM pgml.train('flowers', algorithm => 'xgboost')`, "t")
	w.run(`ALTER TABLE mal.plain ENABLE ROW LEVEL SECURITY`)
	w.want(`SELECT true FROM pgml.train('flowers', algorithm => 'xgboost')`, refused(2, "plain"))

	// What a superuser has chosen, others may read again.
	w.run(`CREATE VIEW fine AS SELECT * FROM flowers; GRANT SELECT ON fine TO PUBLIC`)
	w.want(`SELECT true FROM pgml.train('flowers', 'classification', 'fine', 'kind', 'xgboost')`, "t")
	w.alice = alice
	w.want(`SELECT true FROM pgml.train('flowers', algorithm => 'xgboost')`, "t")
}

// TestDatasetsKeepWhatDependsOnThem loads a data set again, on which somebody else has built something.
func TestDatasetsKeepWhatDependsOnThem(t *testing.T) {
	w := open(t)
	w.want(`SELECT rows FROM pgml.load_dataset('iris')`, "150")
	w.want(`SELECT rows FROM pgml.load_dataset('digits')`, "1797")
	w.run(`CREATE VIEW theirs AS SELECT count(*) FROM pgml.iris; GRANT SELECT ON theirs TO PUBLIC`)
	w.want(`SELECT rows FROM pgml.load_dataset('iris', "limit" => 50)`, "50")
	w.want(`SELECT * FROM theirs`, "50")
	w.want(`SELECT rows FROM pgml.load_dataset('digits')`, "1797")
	w.want(`SELECT count(*) FROM pgml.digits`, "1797")
	w.run(`ALTER TABLE pgml.iris ADD COLUMN more int; CREATE VIEW other AS SELECT more FROM pgml.iris`)
	w.want(`SELECT rows FROM pgml.load_dataset('iris')`, "2BP01 cannot drop table pgml.iris because other objects depend on it / view public.theirs depends on table pgml.iris\nview public.other depends on table pgml.iris / Use DROP ... CASCADE to drop the dependent objects too.")
	w.run(`DROP VIEW other, theirs`)
	w.want(`SELECT rows FROM pgml.load_dataset('iris')`, "150")
	w.want(`SELECT count(*) FROM pgml.iris`, "150")
}

// TestOperators puts operators into the search_path of whoever trains, for just the types that our queries compare.
func TestOperators(t *testing.T) {
	w := open(t)
	w.run(tables + `; GRANT CREATE ON SCHEMA public TO PUBLIC; CREATE TABLE hits (who text); GRANT INSERT ON hits TO PUBLIC;
		CREATE TABLE vectors AS SELECT ARRAY[i, i % 3]::real[] AS v, i % 2 AS y FROM generate_series(1, 50) i`)
	for _, o := range []struct{ operator, left, right, result string }{
		{"=", "oid", "regnamespace", "$1 OPERATOR(pg_catalog.=) $2::oid"},
		{"<>", "oid", "int4", "$1 OPERATOR(pg_catalog.<>) $2::oid"},
		{"||", "name", "name", "($1::text OPERATOR(pg_catalog.||) $2::text)::name"},
		{"=", "real", "int4", "$1 OPERATOR(pg_catalog.=) $2::real"},
		{">", "float8", "int4", "$1 OPERATOR(pg_catalog.>) $2::float8"},
		{"->>", "json", "json", "NULL"}, // for which the server would take json ->> 'name', and fail
	} {
		result := "boolean"
		switch o.operator {
		case "||":
			result = "name"
		case "->>":
			result = "text"
		}
		w.want(fmt.Sprintf(`CREATE FUNCTION public.hit(%s, %s) RETURNS %s LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.hits VALUES (current_user); RETURN %s; END $$`,
			o.left, o.right, result, o.result), "")
		w.want(fmt.Sprintf(`CREATE OPERATOR public.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = public.hit)`, o.operator, o.left, o.right), "")
	}
	w.alice = w.dial(strings.Replace(w.owl, w.name+"@", "postgres@", 1))
	const train = `SELECT true FROM pgml.train('vectors', 'classification', 'public.vectors', 'y', 'xgboost', '{"n_estimators": 1}')`
	w.want(train, "t")
	w.want("SET pgowl.lanes = 'call'", "")
	w.want(train, "t")
	w.want(`SELECT pgowl.divide_by_zero(-1::real, 0)`, "-Infinity")
	w.want(`SELECT pgml.divide(ARRAY[1, 2]::real[], 2::real)::text || pgml.norm_l0(ARRAY[1, 0]::real[])`, "{0.5,1}1")
	w.want(`SELECT pgml.sklearn_regression_metrics(ARRAY[1, 2, 4]::real[], ARRAY[1, 2, 3]::real[]) ->> 'mse' > '0'`, "t")
	w.want(`SELECT count(*) FROM hits`, "0")
}
