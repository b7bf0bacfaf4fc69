package parser

import (
	"strings"

	pg_query "github.com/pganalyze/pg_query_go/v6"
)

// settingDefaults are PostgresML's settings, which its library makes known to a server. A plain server takes SET of a name with a dot from anybody, but SHOW only behind a SET.
var settingDefaults = map[string]string{
	"pgml.venv":                                    "",
	"pgml.huggingface_whitelist":                   "",
	"pgml.huggingface_trust_remote_code":           "off",
	"pgml.huggingface_trust_remote_code_whitelist": "",
	"pgml.omp_num_threads":                         "1",
	"pgml.predict_concurrency":                     "2",
}

// settingShown is the SELECT that gives what SHOW of one of these settings gives; empty for other statements.
func settingShown(stmt *pg_query.Node) string {
	name := strings.ToLower(stmt.GetVariableShowStmt().GetName())
	value, ours := settingDefaults[name]
	if !ours {
		return ""
	}
	return "SELECT COALESCE(pg_catalog.current_setting('" + name + "', true), '" + value + "') AS \"" + name + `"`
}
