package conf

import (
	"fmt"
	"strings"
)

// Usage is the text of pgowl help.
func Usage() string {
	var b strings.Builder
	b.WriteString(`PgOwl: PostgresML, pg_cron and PostgREST for an unmodified Postgres.

  pgowl serve               run the proxy; with nothing set, in front of a private Postgres of its own
  pgowl init                install the stack into the database, and end
  pgowl models pull NAME[@REVISION][:GRAPH]...
                            fetch sentence-transformers models into the model folder
  pgowl models push NAME[:GRAPH]...
                            put models of the model folder into the database (PGOWL_SERVICE), for all proxies of it
  pgowl models list         list the models in the model folder and in the database
  pgowl models verify [NAME]...
                            compare their files with what was fetched
  pgowl models rm [--database] NAME...
                            remove them from the model folder, or from the database
  pgowl doctor              look at the surroundings and say what is missing
  pgowl version

Settings, each as a flag, in the environment, or as a line of the file (defaults in brackets):

`)
	for _, s := range settings {
		fmt.Fprintf(&b, "  %-30s %-22s %s\n", s.flag()+" "+s.value, s.env(), s.help)
	}
	return b.String()
}

// suggest gives " (did you mean X?)" when one setting's name is near to what was written, else nothing.
func suggest(written string, name func(setting) string) string {
	best, bestAt := "", 3 // two typing errors
	for _, s := range settings {
		if d := distance(written, name(s), bestAt); d < bestAt {
			best, bestAt = name(s), d
		}
	}
	if best == "" {
		return ""
	}
	return " (did you mean " + best + "?)"
}

// distance is Levenshtein's; texts too long to be near give limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := 1
			if a[i] == b[j] {
				change = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j]+1, row[j+1]+1, diagonal+change)
		}
	}
	return row[len(b)]
}
