package pool

import (
	"maps"
	"slices"
	"strings"
)

// fixed are the parameters that a server reports and that no client sets, or that mean more than a value: what changes them makes the
// session keep its server connection.
var fixed = map[string]bool{
	"server_version": true, "server_encoding": true, "integer_datetimes": true, "in_hot_standby": true,
	"is_superuser": true, "session_authorization": true,
}

// replayed tells whether a parameter is set again on the next server connection.
func replayed(name string) bool { return !fixed[name] }

// setConfig makes a query that sets parameters for the session. Values are quoted so that they mean the same whether
// standard_conforming_strings is on or off.
func setConfig(params map[string]string) string {
	var b strings.Builder
	b.WriteString("SELECT ")
	for i, name := range slices.Sorted(maps.Keys(params)) {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("pg_catalog.set_config(" + quote(name) + ", " + quote(params[name]) + ", false)")
	}
	return b.String()
}

func quote(s string) string {
	return "E'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(s) + "'"
}
