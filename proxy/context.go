package proxy

import (
	"bytes"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"
)

// ourFrames are how lines of an error's CONTEXT start that tell of functions of ours.
var ourFrames = []string{"PL/pgSQL function pgowl.", "PL/pgSQL function pgml.", "PL/pgSQL function cron."}

// ourWrappers are the SQL functions of ours that stand around those.
var ourWrappers = []string{`SQL function "train" `, `SQL function "train_joint" `, `SQL function "evaluate" `, `SQL function "deploy" `, `SQL function "fail" `, `SQL function "resume_call" `,
	`SQL function "schedule" `, `SQL function "unschedule" `, `SQL function "schedule_in_database" `, `SQL function "alter_job" `}

// What stands around the functions that carry out a replaced CREATE EXTENSION.
const (
	replacedStatement = `SQL statement "SELECT pgowl.`
	replacedBlock     = "PL/pgSQL function inline_code_block line 1 at PERFORM"
)

// withoutOurContext takes out of an error or notice the CONTEXT lines that tell how our functions are made: the originals are
// written in C and have none. It gives nil where there is nothing to take out.
func withoutOurContext(typ byte, body []byte) []byte {
	if !bytes.Contains(body, []byte("PL/pgSQL function ")) && !bytes.Contains(body, []byte(`SQL function "`)) {
		return nil
	}
	var m pgproto3.ErrorResponse
	var n pgproto3.NoticeResponse
	where := &m.Where
	if typ == 'N' {
		where = &n.Where
		if n.Decode(body) != nil {
			return nil
		}
	} else if m.Decode(body) != nil {
		return nil
	}
	kept := trimContext(*where)
	if kept == *where {
		return nil
	}
	*where = kept
	if typ == 'N' {
		return encode(&n)
	}
	return encode(&m)
}

// trimContext drops all lines down to the outermost of ours: what stands above it happened inside our function.
func trimContext(where string) string {
	lines := strings.Split(where, "\n")
	from := 0
	for i, line := range lines {
		if strings.HasPrefix(line, replacedStatement) && i+1 < len(lines) && strings.HasPrefix(lines[i+1], replacedBlock) {
			from = i + 2
			continue
		}
		if hasAnyPrefix(line, ourFrames) || from == i && hasAnyPrefix(line, ourWrappers) && i > 0 {
			from = i + 1
		}
	}
	return strings.Join(lines[from:], "\n")
}

func hasAnyPrefix(s string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}
