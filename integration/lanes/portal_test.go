package lanes

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
)

// TestPortalLimits fetches the rows of a portal a few at a time, and wants the same rows at the same times, tags included, in both lanes.
func TestPortalLimits(t *testing.T) {
	w := open(t)
	statements := []string{
		"SELECT id FROM many WHERE pgml.predict('line', x) > 20 ORDER BY id",
		"SELECT id, pgml.predict('line', x) FROM many WHERE id < 40 ORDER BY id",
		"SELECT id, pgml.predict('line', x) FROM many WHERE pgml.predict('kinds', x) = 1 AND id < 60 ORDER BY id",
		"SELECT id FROM many WHERE pgml.predict('line', x) > 1000",
	}
	answers := map[string][]string{}
	for lane, url := range w.lanes() {
		c := dial(t, url)
		run(t, c, "CREATE TEMP TABLE many AS SELECT g AS id, ARRAY[g % 13, g % 7]::real[] AS x FROM generate_series(1, 600) g")
		f := c.PgConn().Frontend()
		for _, sql := range statements {
			for _, limits := range [][]uint32{{0}, {3, 3, 0}, {1, 100, 1000, 5}, {7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7}, {1 << 31, 1}} {
				f.SendParse(&pgproto3.Parse{Query: sql})
				f.SendBind(&pgproto3.Bind{})
				for _, n := range limits {
					f.SendExecute(&pgproto3.Execute{MaxRows: n})
				}
				f.SendSync(&pgproto3.Sync{})
				if err := f.Flush(); err != nil {
					t.Fatal(err)
				}
				text := sql
				for done := false; !done; {
					m, err := f.Receive()
					if err != nil {
						t.Fatal(err)
					}
					switch m := m.(type) {
					case *pgproto3.DataRow:
						text += " " + string(m.Values[0])
						if len(m.Values) > 1 {
							text += "=" + string(m.Values[1])
						}
					case *pgproto3.CommandComplete:
						text += " " + string(m.CommandTag)
					case *pgproto3.ErrorResponse:
						text += " " + m.Code + m.Message
					case *pgproto3.ReadyForQuery:
						done = true
					default:
						text += fmt.Sprintf(" %T", m)
					}
				}
				answers[lane] = append(answers[lane], text)
			}
		}
	}
	for i, chosen := range answers["chosen"] {
		if call := answers["call"][i]; !reflect.DeepEqual(chosen, call) {
			t.Errorf("chosen %s\n  call %s", chosen, call)
		}
	}
}
