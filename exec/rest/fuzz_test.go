package rest

import (
	"net/http"
	"net/http/httptest"
	"sort"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/pgowl/pgowl/exec/rest/jwt"
)

func FuzzBody(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":[2]}`), "application/json", "")
	f.Add([]byte(`[{"a":1},{"a":2}]`), "application/json", `a,"b c"`)
	f.Add([]byte("a=1&b=%zz+%41"), mediaForm, "")
	f.Add([]byte("a,b\n1,NULL\n"), mediaCSV, "")
	fn := &routine{schema: "s", name: "f", params: []param{{name: "a", typ: "integer", required: true}, {name: "b", typ: "text[]", variadic: true}}}
	f.Fuzz(func(t *testing.T, body []byte, media, columns string) {
		var names []string
		if columns != "" {
			names = columnNames(columns)
		}
		a, err := bodyArguments(body, media, names)
		if err != nil {
			return
		}
		if !sort.StringsAreSorted(a.keys) {
			t.Errorf("keys are not sorted: %q", a.keys)
		}
		c := &cache{routines: map[qualified][]*routine{{"s", "f"}: {fn}}, names: map[string][]string{"s": {"f"}}}
		if found, whole, err := c.find("s", "f", &a); err == nil {
			sql, params := (&call{fn: found, whole: whole, args: a, page: page{limit: -1}}).statement()
			if sql == "" || len(params) > 2 {
				t.Errorf("got %s %q", sql, params)
			}
		} else if !utf8.Valid(dbFault(err, false).body()) {
			t.Errorf("the answer is not UTF-8: %q", dbFault(err, false).body())
		}
	})
}

func FuzzQuery(f *testing.F) {
	f.Add("a=1&b=eq.2&limit=3", true, "0-5")
	f.Add("select=*&columns=a,b&x=%ff%41%4", false, "3-1")
	f.Fuzz(func(t *testing.T, raw string, post bool, ranges string) {
		q, err := parseCallQuery(raw, post)
		if err == nil && post && len(q.args) > 0 {
			t.Errorf("arguments of a POST: %v", q.args)
		}
		p, err := parsePage(http.MethodGet, http.Header{"Range": {ranges}}, q.limit, q.offset)
		if err == nil && (p.offset < 0 || p.limit < -1) {
			t.Errorf("page %+v", p)
		}
		p.contentRange(3, 9)
	})
}

func FuzzHeaders(f *testing.F) {
	f.Add("Bearer a.b.c", "application/json;q=0.5, */*", "handling=strict, max-affected=3", "text/csv; x")
	v, err := jwt.NewVerifier(secret, "", time.Now)
	if err != nil {
		f.Fatal(err)
	}
	s := &Server{verifier: v}
	f.Fuzz(func(t *testing.T, authorization, accept, prefer, content string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header = http.Header{"Authorization": {authorization}, "Accept": {accept}, "Prefer": {prefer}, "Content-Type": {content}}
		if id, err := s.authenticate(r); err == nil {
			t.Errorf("%q became %q", authorization, id.role)
		}
		_, _ = negotiate(r.Header)
		bodyMedia(r.Header)
		p := parsePreferences(r.Header, CommitOverride)
		_ = p.check()
		_ = p.applied()
	})
}

// FuzzSaid is about what functions say: response.headers, response.status, RAISE PGRST.
func FuzzSaid(f *testing.F) {
	f.Add(`[{"a":"b"}]`, "201")
	f.Fuzz(func(t *testing.T, headers, status string) {
		res := result{headers: headers, status: status}
		if n, err := res.override(http.Header{}, 200); err == nil && !validStatus(n) {
			t.Errorf("status %d", n)
		}
	})
}
