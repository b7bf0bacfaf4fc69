package rest

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// call is a function call that is ready to be run.
type call struct {
	fn    *routine
	whole bool // the body is the single argument
	args  arguments
	page  page
	shape shape
	count bool // count the rows of all pages
}

// statement is the one SELECT that makes the call and the answer: columns total, rows, body, headers, status. Everything that
// comes from outside is a parameter. Its parts are named as in PostgREST, where functions and logs may look for them.
func (c *call) statement() (sql string, params []any) {
	var b strings.Builder
	b.WriteString("WITH pgrst_source AS (SELECT ")
	if c.fn.returns == composite {
		b.WriteString("pgrst_call.*")
	} else {
		b.WriteString("pgrst_call.pgrst_scalar")
	}
	source, params := c.source()
	b.WriteString(" FROM " + source + ") SELECT ")
	if c.count {
		b.WriteString("(SELECT pg_catalog.count(*) FROM pgrst_source)")
	} else {
		b.WriteString("NULL::bigint")
	}
	b.WriteString(" AS total_result_set, pg_catalog.count(_postgrest_t) AS page_total, " + c.body() + " AS body, " +
		"nullif(pg_catalog.current_setting('response.headers', true), '') AS response_headers, " +
		"nullif(pg_catalog.current_setting('response.status', true), '') AS response_status " +
		"FROM (SELECT * FROM pgrst_source")
	if c.page.limit >= 0 {
		b.WriteString(" LIMIT " + strconv.FormatInt(c.page.limit, 10))
	}
	if c.page.offset > 0 {
		b.WriteString(" OFFSET " + strconv.FormatInt(c.page.offset, 10))
	}
	b.WriteString(") _postgrest_t")
	return b.String(), params
}

// source is the FROM item, called pgrst_call, that calls the function with its arguments.
func (c *call) source() (from string, params []any) {
	name := pgx.Identifier{c.fn.schema, c.fn.name}.Sanitize()
	invoke := func(args string) string {
		if c.fn.returns == composite {
			return name + "(" + args + ") pgrst_call"
		}
		return "(SELECT " + name + "(" + args + ") pgrst_scalar) pgrst_call"
	}
	if c.whole {
		if c.fn.params[0].typ == "bytea" {
			return invoke("$1::bytea"), []any{c.args.raw}
		}
		return invoke("$1::" + c.fn.params[0].typ), []any{string(c.args.raw)}
	}
	given := c.given()
	if len(given) == 0 {
		return invoke(""), nil
	}
	var args []string
	add := func(p param, value string) {
		arg := pgx.Identifier{p.name}.Sanitize() + " := " + value
		if p.variadic {
			arg = "VARIADIC " + arg
		}
		args = append(args, arg)
	}
	if c.args.json == nil {
		for i, p := range given {
			add(p, fmt.Sprintf("$%d::%s", i+1, p.typ))
			params = append(params, c.text(p))
		}
		return invoke(strings.Join(args, ", ")), params
	}
	var columns []string
	for _, p := range given {
		column := pgx.Identifier{p.name}.Sanitize()
		columns = append(columns, column+" "+p.typ)
		add(p, "pgrst_body."+column)
	}
	record := "pg_catalog.json_to_record($1::json) AS pgrst_body(" + strings.Join(columns, ", ") + ")"
	if isJSONArray(c.args.json) {
		record = "(SELECT * FROM pg_catalog.json_to_recordset($1::json) AS _(" + strings.Join(columns, ", ") + ") LIMIT 1) pgrst_body"
	}
	return record + ", LATERAL " + invoke(strings.Join(args, ", ")), []any{string(c.args.json)}
}

// given are the parameters that have an argument, in the function's order.
func (c *call) given() []param {
	named := map[string]bool{}
	for _, k := range c.args.keys {
		named[k] = true
	}
	var out []param
	for _, p := range c.fn.params {
		if named[p.name] {
			out = append(out, p)
		}
	}
	return out
}

// text is the value of a parameter in a query string or form: the last one given, or for a variadic one the array of all.
func (c *call) text(p param) string {
	values := c.args.named[p.name]
	if p.variadic {
		return arrayLiteral(values)
	}
	return values[len(values)-1]
}

func arrayLiteral(values []string) string {
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = `"` + escape.Replace(v) + `"`
	}
	return "{" + strings.Join(quoted, ",") + "}"
}

// body is the expression that makes the answer's body of the rows.
func (c *call) body() string {
	if c.fn.returns == void {
		return "''"
	}
	if c.shape == csvTable {
		return csvBody
	}
	row := "_postgrest_t"
	if c.fn.returns != composite {
		row += ".pgrst_scalar"
	}
	list := "pg_catalog.json_agg(" + row + ")"
	if c.shape == strippedArr || c.shape == strippedObj {
		list = "pg_catalog.json_strip_nulls(" + list + ")"
	}
	if c.shape.single() || !c.fn.set {
		return "coalesce(" + list + "->0, 'null')"
	}
	return "coalesce(" + list + ", '[]')"
}

const csvBody = "(SELECT coalesce(pg_catalog.string_agg(a.k, ','), '') FROM (" +
	"SELECT pg_catalog.json_object_keys(r)::text AS k FROM (SELECT pg_catalog.row_to_json(hh) AS r FROM pgrst_source AS hh LIMIT 1) s) a)" +
	" || E'\\n' || coalesce(pg_catalog.string_agg(pg_catalog.substring(_postgrest_t::text, 2, pg_catalog.length(_postgrest_t::text) - 2), E'\\n'), '')"
