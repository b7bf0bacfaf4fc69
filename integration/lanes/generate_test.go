package lanes

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// generator writes random valid SELECTs whose calls stand in all kinds of places.
type generator struct {
	*rand.Rand
	depth int
}

// generate gives one statement.
func generate(dice *rand.Rand) string { return (&generator{Rand: dice}).query(2) }

func (g *generator) pick(of ...string) string { return of[g.IntN(len(of))] }

// call is a call of ours, of type real; table is the alias whose columns it may use, "" for none.
func (g *generator) call(table string) string {
	args := []string{"'{3,4}'::real[]", "ARRAY[1, 5]", "ARRAY[2.0, 3.0]::real[]", "'{6,1}'::float8[]", "ARRAY[3, 3]::int[]"}
	if table != "" {
		args = append(args, table+".x", table+".x", table+".y", table+".n", "ARRAY["+table+".id, 4]::real[]", "coalesce("+table+".x, '{1,1}')",
			fmt.Sprintf("CASE WHEN %s.id > 3 THEN %s.x ELSE '{5,5}' END", table, table))
	}
	arg := g.pick(args...)
	switch g.IntN(6) {
	case 0:
		return "pgml.predict('kinds', " + arg + ")"
	case 1:
		return "pgml.predict(project_name => 'line', features => " + arg + ")"
	case 2:
		return "(pgml.predict_proba('kinds', " + g.pick(args[0], "ARRAY[4, 2]::real[]") + "))[1]"
	}
	return "pgml.predict('line', " + arg + ")"
}

// number is an expression with calls in it.
func (g *generator) number(table string) string {
	if g.depth > 3 {
		return g.call(table)
	}
	g.depth++
	defer func() { g.depth-- }()
	switch g.IntN(10) {
	case 0:
		return "(" + g.number(table) + g.pick(" + ", " - ", " * ") + g.number(table) + ")"
	case 1:
		return "coalesce(" + g.number(table) + ", 0)"
	case 2:
		return "CASE WHEN " + g.condition(table) + " THEN " + g.number(table) + " ELSE " + g.number(table) + " END"
	case 3:
		return "round(" + g.number(table) + "::numeric, 2)"
	case 4:
		return "greatest(" + g.number(table) + ", " + g.number(table) + ")"
	case 5:
		return "(SELECT " + g.pick("max", "min", "sum", "count") + "(" + g.number("q") + ") FROM inputs q" + g.where("q") + ")"
	case 6:
		if table != "" {
			return table + ".id"
		}
	}
	return g.call(table)
}

func (g *generator) condition(table string) string {
	if g.depth > 3 {
		return g.call(table) + " > 10"
	}
	g.depth++
	defer func() { g.depth-- }()
	switch g.IntN(8) {
	case 0:
		return "NOT (" + g.condition(table) + ")"
	case 1:
		return "(" + g.condition(table) + g.pick(" AND ", " OR ") + g.condition(table) + ")"
	case 2:
		return g.number(table) + " IS NULL"
	case 3:
		return g.number(table) + " BETWEEN 5 AND " + g.number(table)
	case 4:
		return "EXISTS (SELECT 1 FROM inputs e WHERE " + g.condition("e") + ")"
	case 5:
		return g.number(table) + " IN (SELECT " + g.number("s") + " FROM inputs s)"
	}
	return g.number(table) + g.pick(" > ", " < ", " <> ") + g.pick("7", "10.5", g.number(table))
}

func (g *generator) where(table string) string {
	if g.IntN(2) == 0 {
		return ""
	}
	return " WHERE " + g.condition(table)
}

// columns is a target list.
func (g *generator) columns(table string) string {
	var list []string
	for range 1 + g.IntN(3) {
		c := g.number(table)
		if g.IntN(2) == 0 {
			c += g.pick(" AS a", ` AS "B c"`, " result", " AS predict")
		}
		list = append(list, c)
	}
	if table != "" && g.IntN(3) == 0 {
		list = append(list, g.pick(table+".*", table+".id", "*"))
	}
	g.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return strings.Join(list, ", ")
}

// query is a statement's text; deep is how far it may nest.
func (g *generator) query(deep int) string {
	switch n := g.IntN(13); {
	case n == 0:
		return "SELECT " + g.columns("")
	case n == 1:
		return "SELECT DISTINCT " + g.number("i") + " AS v FROM inputs i" + g.where("i")
	case n == 2:
		e := g.number("i")
		return "SELECT " + e + ", count(*) FROM inputs i" + g.where("i") + " GROUP BY 1" + g.pick("", " HAVING count(*) > 0 AND max("+g.number("i")+") > 3")
	case n == 3:
		return "SELECT a.id, b.id, " + g.number("a") + " FROM inputs a " + g.pick("", "LEFT ") + "JOIN inputs b ON a.id = b.id AND " + g.condition("b") + g.where("a")
	case n == 4:
		return "SELECT i.id, l.v FROM inputs i, LATERAL (SELECT " + g.number("i") + " AS v) l" + g.where("i")
	case n == 5:
		return "WITH c AS (SELECT id, x, y, n, " + g.number("i") + " AS v FROM inputs i" + g.where("i") + ") SELECT c.id, c.v, " + g.number("c") + " FROM c" + g.where("c")
	case n == 6:
		return "SELECT i.id, " + g.pick("row_number()", "rank()", "sum("+g.number("i")+")") + " OVER (PARTITION BY i.g ORDER BY " + g.number("i") + ", i.id) FROM inputs i" + g.where("i")
	case n == 7:
		return "VALUES (" + g.number("") + ", 1), (" + g.number("") + ", 2)"
	case n == 8 && deep > 0:
		return "SELECT i.id, " + g.number("i") + "::numeric FROM inputs i" + g.where("i") + g.pick(" UNION ", " UNION ALL ", " EXCEPT ", " INTERSECT ") + "SELECT j.id, " + g.number("j") + "::numeric FROM inputs j" + g.where("j")
	case n == 9:
		return "SELECT " + g.pick("sum", "avg", "max", "array_agg", "count") + "(" + g.number("i") + ") FILTER (WHERE " + g.condition("i") + ") FROM inputs i"
	case n == 10 && deep > 0:
		return "SELECT * FROM (SELECT id, x, y, n, " + g.number("i") + " AS v FROM inputs i) s" + g.where("s")
	}
	q := "SELECT " + g.columns("i") + " FROM inputs i" + g.where("i")
	switch g.IntN(4) {
	case 0:
		q += " ORDER BY " + g.number("i") + g.pick("", " DESC", " NULLS FIRST") + ", i.id"
	case 1:
		q += " ORDER BY i.id LIMIT 3"
	case 2:
		q += " ORDER BY i.id OFFSET 2"
	}
	return q
}
