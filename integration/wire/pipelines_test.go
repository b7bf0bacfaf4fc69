package wire

import (
	"fmt"
	"strings"
)

// unit is a plain statement by the extended protocol, with its place in the pipeline as its result.
func unit(n int) string {
	return fmt.Sprintf("P - SELECT %d, $1::text\nB - - value\nD P -\nE -", n)
}

// failures are the ways in which a statement of a pipeline can fail.
var failures = []struct{ name, lines string }{
	{"parse, syntax", "P - SELEC 1\nB - -\nE -"},
	{"parse, no such table", "P bad SELECT * FROM nosuch\nB - bad\nE -"},
	{"parse, name taken", "P taken SELECT 1\nP taken SELECT 2"},
	{"parse, two statements", "P - SELECT 1; SELECT 2"},
	{"parse, type cannot be told", "P - SELECT $1 + $2 || $3 IS NULL\nB - - 1 2 3"},
	{"bind, no such statement", "B - nosuch\nE -"},
	{"bind, too few values", "P - SELECT $1::int, $2::int\nB - - 1\nE -"},
	{"bind, too many values", "P - SELECT $1::int\nB - - 1 2\nE -"},
	{"bind, wrong number of formats", "P - SELECT $1::int\nB - - pf=0,0 1\nE -"},
	{"bind, wrong number of result formats", "P - SELECT 1, 2, 3\nB - - rf=1,1\nD P -\nE -"},
	{"bind, bad text", "P - SELECT $1::int\nB - - x\nE -"},
	{"bind, bad binary", "P - SELECT $1::int\nB - - pf=1 x:0000\nE -"},
	{"bind, bad encoding", "P - SELECT $1::text\nB - - x:ff\nE -"},
	{"bind, name taken", "P - SELECT 1\nB p -\nB p -"},
	{"bind, while planning", "P - SELECT 1/0\nB - -\nE -"},
	{"describe, no such statement", "D S nosuch"},
	{"describe, no such portal", "D P nosuch"},
	{"describe, neither", "raw 44 00000006 58 00"},
	{"execute, no such portal", "E nosuch"},
	{"execute, at once", "P - SELECT 1/(1-$1::int)\nB - - 1\nD P -\nE -"},
	{"execute, after rows", "P - SELECT 6/(3-g) FROM generate_series(1, 5) g\nB - -\nE -"},
	{"execute, after a portion", "P - SELECT 6/(3-g) FROM generate_series(1, 5) g\nB - -\nE - 1\nE -"},
	{"execute, a constraint", "P - CREATE TEMP TABLE k (a int PRIMARY KEY)\nB - -\nE -\nP - INSERT INTO k VALUES (1), (1)\nB - -\nE -"},
	{"execute, raised with every field", "P - DO $$ BEGIN RAISE 'all' USING ERRCODE = '22ABC', DETAIL = 'd', HINT = 'h', COLUMN = 'c', CONSTRAINT = 'k', DATATYPE = 't', TABLE = 'r', SCHEMA = 's'; END $$\nB - -\nE -"},
	{"execute, twice", "P - INSERT INTO pg_temp.nosuch VALUES (1)\nB - -\nE -\nE -"},
	{"close, neither", "raw 43 00000006 58 00"},
	{"a transaction statement that may not be", "P - VACUUM\nB - -\nE -"},
}

// pipelineErrors has each failure at each place among three statements, outside of a transaction, in one, and in a failed one.
func pipelineErrors() (all []script) {
	for _, f := range failures {
		for place := range 3 {
			var steps []string
			for n := range 3 {
				if n == place {
					steps = append(steps, f.lines)
				}
				steps = append(steps, unit(n))
			}
			for _, block := range []string{"none", "begun", "failed", "in the pipeline"} {
				if block == "failed" && place != 1 {
					continue
				}
				before, after := "", "Q SELECT 'after'\nread Z"
				switch block {
				case "begun":
					before, after = "Q BEGIN\nread Z", "Q SELECT 'after'\nread Z\nQ COMMIT\nread Z"
				case "failed":
					before, after = "Q BEGIN\nQ SELECT 1/0\nread Z Z", "Q ROLLBACK\nread Z"
				case "in the pipeline":
					before, after = "P - BEGIN\nB - -\nE -", "P - ROLLBACK\nB - -\nE -\nS\nread Z"
				}
				all = append(all, scriptOf("error/%s/%d/%s", join(before, strings.Join(steps, "\n"), "S", "read Z", after), f.name, place, block))
			}
		}
	}
	return all
}

// syncPlaces has a Sync, a Flush or nothing behind each of three statements of which one may fail: what is skipped, and what is undone.
func syncPlaces() (all []script) {
	for failing := range 4 {
		for mask := range 27 {
			var steps []string
			reads := ""
			skipping := false
			for n, m := 0, mask; n < 3; n, m = n+1, m/3 {
				steps = append(steps, fmt.Sprintf("P - INSERT INTO s VALUES (%d/%d)\nB - -\nE -", n, map[bool]int{true: 0, false: 1}[n+1 == failing]))
				skipping = skipping || n+1 == failing
				switch m % 3 {
				case 1:
					steps = append(steps, "S")
					reads += " Z"
					skipping = false
				case 2:
					steps = append(steps, "H")
				}
			}
			all = append(all, scriptOf("sync/%d/%d", join("Q CREATE TEMP TABLE s (a int)", strings.Join(steps, "\n"), "S", "Q SELECT * FROM s", "read Z"+reads+" Z Z"), failing, mask))
		}
	}
	return all
}

// rowLimits has portals fetched in portions, and what may come between them.
func rowLimits() (all []script) {
	for _, portal := range []string{"-", "c"} {
		for _, limit := range []string{"1", "3", "4", "5", "0", "2147483647"} {
			for _, next := range []string{
				"E PORTAL LIMIT", "E PORTAL", "H\nread s2\nE PORTAL", "S\nE PORTAL", "C P PORTAL\nE PORTAL", "C S st\nE PORTAL", "B PORTAL st\nE PORTAL",
				"D P PORTAL\nE PORTAL", "B other st\nE other 2\nE PORTAL 1\nE other", "P - SELECT 'unnamed'\nE PORTAL", "Q SELECT 'simple'\nE PORTAL",
				"P - SELECT 1/0\nB - -\nE -\nE PORTAL",
			} {
				for _, block := range []bool{false, true} {
					if block && limit != "3" {
						continue
					}
					// A simple query gives an answer of its own to wait for.
					reads := "read Z" + strings.Repeat(" Z", strings.Count("\n"+next, "\nS\n")+strings.Count("\n"+next, "\nQ "))
					mid := strings.NewReplacer("PORTAL", portal, "LIMIT", limit, "read s2\n", "").Replace(next)
					lines := join("P st SELECT g FROM generate_series(1, 4) g", "B "+portal+" st", "E "+portal+" "+limit, mid, "S", reads)
					if block {
						lines = join("Q BEGIN", "read Z", lines, "Q COMMIT", "E "+portal, "S", "read Z Z")
					}
					all = append(all, scriptOf("rows/%s/%s/%s/%v", lines, portal, limit, strings.ReplaceAll(strings.ReplaceAll(next, "\n", ";"), "PORTAL", "p"), block))
				}
			}
		}
	}
	return all
}
