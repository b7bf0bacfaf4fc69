package rest

import (
	"encoding/json"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// FuzzDBFault maps what a database may complain of, RAISE SQLSTATE 'PGRST' included, to an answer that can be sent.
func FuzzDBFault(f *testing.F) {
	f.Add("PGRST", `{"code":"1","message":"m"}`, `{"status":418,"headers":{"A":"b"}}`, "", true)
	f.Add("PT499", "m", "d", "h", false)
	f.Add("22023", `role "x" does not exist`, "", "", true)
	f.Add("", "\xff", "", "", false)
	f.Fuzz(func(t *testing.T, code, message, detail, hint string, authed bool) {
		got := dbFault(&pgconn.PgError{Severity: "ERROR", Code: code, Message: message, Detail: detail, Hint: hint}, authed)
		if !validStatus(got.status) {
			t.Errorf("%q %q %q: status %d", code, message, detail, got.status)
		}
		if !json.Valid(got.body()) {
			t.Errorf("%q %q %q: body %q", code, message, detail, got.body())
		}
	})
}
