package rest

import (
	"strings"
	"testing"
)

func TestCalls(t *testing.T) {
	s, _ := serve(t, func(o *Options) { o.Schemas = []string{"api", "other"} })
	const form, raw = "Content-Type: application/x-www-form-urlencoded", "Content-Type: application/octet-stream"
	for _, c := range []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		want                     string // body; ~ at its start: a part of it
	}{
		{name: "scalar", method: "POST", path: "/rpc/add", body: `{"a":1,"b":2}`, status: 200, want: `3`},
		{name: "default", method: "POST", path: "/rpc/add", body: `{"a":1}`, status: 200, want: `11`},
		{name: "get", method: "GET", path: "/rpc/add?a=1&b=2", status: 200, want: `3`},
		{name: "get escaped", method: "GET", path: "/rpc/hello?name=a+b%26%C3%A9", status: 200, want: `"Hello, a b&é"`},
		{name: "last one counts", method: "GET", path: "/rpc/hello?name=a&name=b", status: 200, want: `"Hello, b"`},
		{name: "form", method: "POST", path: "/rpc/add", body: "a=4&b=5", headers: []string{form}, status: 200, want: `9`},
		{name: "array body", method: "POST", path: "/rpc/add", body: `[{"a":1,"b":2},{"a":5,"b":6}]`, status: 200, want: `3`},
		{name: "empty body", method: "POST", path: "/rpc/whoami", status: 200, want: `"rest_anon"`},
		{name: "duplicate key", method: "POST", path: "/rpc/hello", body: `{"name":"a","name":"b"}`, status: 200, want: `"Hello, b"`},
		{name: "columns", method: "POST", path: "/rpc/hello?columns=name", body: `{"name":"a","more":1}`, status: 200, want: `"Hello, a"`},
		{name: "csv body", method: "POST", path: "/rpc/hello", body: "name\n\"a,b\"\n", headers: []string{"Content-Type: text/csv"}, status: 200, want: `"Hello, a,b"`},
		{name: "set of rows", method: "GET", path: "/rpc/all_notes", status: 200, want: `~{"id":2,"txt":"two <&>"}`},
		{name: "composite", method: "POST", path: "/rpc/note", body: `{"id":1}`, status: 200, want: `{"id":1,"txt":"one"}`},
		{name: "set of scalars", method: "POST", path: "/rpc/numbers", body: `{"n":3}`, status: 200, want: `[1, 2, 3]`},
		{name: "table", method: "POST", path: "/rpc/clicks", body: `{"input_string":"x"}`, status: 200, want: `[{"is_clickbait":0.5}]`},
		{name: "empty set", method: "POST", path: "/rpc/numbers", body: `{"n":0}`, status: 200, want: `[]`},
		{name: "void", method: "POST", path: "/rpc/nothing", status: 204},
		{name: "record", method: "POST", path: "/rpc/plain_rec", status: 200, want: `{"x":1,"y":"y"}`},
		{name: "enum", method: "GET", path: "/rpc/feel?m=ok", status: 200, want: `"ok!"`},
		{name: "enum from JSON", method: "POST", path: "/rpc/feel", body: `{"m":"ok"}`, status: 200, want: `"ok!"`},
		{name: "char keeps its length", method: "POST", path: "/rpc/bpchars", body: `{"c":"abc"}`, status: 200, want: `"abc"`},
		{name: "variadic", method: "POST", path: "/rpc/joined", body: `{"v":["a","b"]}`, status: 200, want: `"a|b"`},
		{name: "variadic get", method: "GET", path: `/rpc/joined?v=a%22\&v=b`, status: 200, want: `"a\"\\|b"`},
		{name: "json parameter", method: "POST", path: "/rpc/echo", body: `{"z": 1,  "a":[12345678901234567890.123]}`, status: 200, want: `{"z": 1,  "a":[12345678901234567890.123]}`},
		{name: "bytes", method: "POST", path: "/rpc/size", body: "\x00\xff\x01", headers: []string{raw}, status: 200, want: `3`},
		{name: "single object", method: "GET", path: "/rpc/all_notes?limit=1", headers: []string{"Accept: application/vnd.pgrst.object+json"}, status: 200, want: `{"id":1,"txt":"one"}`},
		{name: "not a single object", method: "GET", path: "/rpc/all_notes", headers: []string{"Accept: application/vnd.pgrst.object+json"}, status: 406, want: `~PGRST116`},
		{name: "nulls stripped", method: "POST", path: "/rpc/note", body: `{"id":3}`, headers: []string{"Accept: application/vnd.pgrst.object+json;nulls=stripped"}, status: 200, want: `{"id":3}`},
		{name: "csv", method: "GET", path: "/rpc/all_notes", headers: []string{"Accept: text/csv"}, status: 200, want: "id,txt\n1,one\n2,\"two <&>\"\n3,"},
		{name: "page", method: "GET", path: "/rpc/numbers?n=9&limit=2&offset=3", status: 200, want: `[4, 5]`},
		{name: "range", method: "GET", path: "/rpc/numbers?n=9", headers: []string{"Range: 2-3"}, status: 200, want: `[3, 4]`},
		{name: "counted page", method: "GET", path: "/rpc/numbers?n=9&limit=2", headers: []string{"Prefer: count=exact"}, status: 206, want: `[1, 2]`},
		{name: "beyond the end", method: "GET", path: "/rpc/numbers?n=2&offset=5", headers: []string{"Prefer: count=exact"}, status: 416, want: `~but there are only 2 rows.`},
		{name: "other schema", method: "GET", path: "/rpc/where_am_i", headers: []string{"Accept-Profile: other"}, status: 200, want: `"\"other\", \"public\""`},
		{name: "schema not exposed", method: "POST", path: "/rpc/secret", headers: []string{"Content-Profile: hidden"}, status: 406, want: `~Only the following schemas are exposed: api, other`},
		{name: "function's settings", method: "POST", path: "/rpc/limited", status: 200, want: `"serializable"`},

		{name: "unknown function", method: "POST", path: "/rpc/helo", body: `{}`, status: 404, want: `~Perhaps you meant to call the function api.hello"`},
		{name: "unknown arguments", method: "POST", path: "/rpc/add", body: `{"a":1,"c":2}`, status: 404, want: `~"hint":"Perhaps you meant to call the function api.add(a, b)"`},
		{name: "ambiguous", method: "POST", path: "/rpc/twice", body: `{"a":1}`, status: 300, want: `~api.twice(a => integer), api.twice(a => text)`},
		{name: "not JSON", method: "POST", path: "/rpc/add", body: `a=1`, status: 400, want: `~"message":"Empty or invalid json"`},
		{name: "not UTF-8", method: "POST", path: "/rpc/hello", body: "{\"name\":\"\xff\"}", status: 400, want: `~PGRST102`},
		{name: "uneven keys", method: "POST", path: "/rpc/add", body: `[{"a":1},{"b":1}]`, status: 400, want: `~All object keys must match`},
		{name: "NUL in a string", method: "POST", path: "/rpc/hello", body: `{"name":"a\u0000b"}`, status: 400, want: `~"code":"22P05"`},
		{name: "NUL in a query", method: "GET", path: `/rpc/hello?name=a%00b`, status: 400, want: `~"code":"22021"`},
		{name: "half a surrogate", method: "POST", path: "/rpc/hello", body: `{"name":"\ud800"}`, status: 400, want: `~"code":"22P02"`},
		{name: "number out of range", method: "POST", path: "/rpc/add", body: `{"a":1e400}`, status: 400, want: `~"code":"22`},
		{name: "wrong type", method: "POST", path: "/rpc/add", body: `{"a":"x"}`, status: 400, want: `~"code":"22P02"`},
		{name: "nested deeply", method: "POST", path: "/rpc/echo", body: strings.Repeat("[", 20000) + strings.Repeat("]", 20000), status: 400, want: `~PGRST102`},
		{name: "content type", method: "POST", path: "/rpc/add", body: `<a/>`, headers: []string{"Content-Type: image/png"}, status: 400, want: `~Content-Type not acceptable: image/png`},
		{name: "accept", method: "GET", path: "/rpc/whoami", headers: []string{"Accept: image/png"}, status: 406, want: `~PGRST107`},
		{name: "get that writes", method: "GET", path: "/rpc/write?id=7&txt=x", status: 405, want: `~"code":"25006"`},
		{name: "stable that writes", method: "POST", path: "/rpc/sneaky", status: 400, want: `~"code":"0A000"`},
		{name: "method", method: "DELETE", path: "/rpc/add", status: 405, want: `~PGRST101`},
		{name: "unknown method", method: "BREW", path: "/rpc/add", status: 405, want: `~PGRST117`},
		{name: "path", method: "GET", path: "/rpc/add/more", status: 404, want: `~PGRST125`},
		{name: "root", method: "GET", path: "/", status: 404, want: `~PGRST126`},
		{name: "relation", method: "GET", path: "/notes", status: 501, want: `~not available in PgOwl yet`},
		{name: "filter", method: "GET", path: "/rpc/all_notes?id=eq.1", status: 501, want: `~a filter on the rows of a function is not available in PgOwl yet`},
		{name: "select", method: "GET", path: "/rpc/all_notes?select=id", status: 501, want: `~PGRST127`},
		{name: "bad filter", method: "POST", path: "/rpc/hello?name=John", body: `{"name":"John"}`, status: 400, want: `~failed to parse filter (John)`},
		{name: "strict", method: "POST", path: "/rpc/nothing", headers: []string{"Prefer: handling=strict, x=y"}, status: 400, want: `~Invalid preferences: x=y`},
		{name: "max-affected", method: "POST", path: "/rpc/numbers", body: `{"n":3}`, headers: []string{"Prefer: handling=strict, max-affected=2"}, status: 400, want: `~PGRST124`},
		{name: "time zone", method: "GET", path: "/rpc/setting?name=timezone", headers: []string{"Prefer: timezone=Asia/Tokyo"}, status: 200, want: `"Asia/Tokyo"`},
		{name: "bad time zone", method: "GET", path: "/rpc/whoami", headers: []string{"Prefer: timezone=x/y"}, status: 400, want: `~"code":"22023"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ask(t, s, c.method, c.path, c.body, c.headers...)
			part, isPart := strings.CutPrefix(c.want, "~")
			ok := got.body == c.want || isPart && strings.Contains(got.body, part)
			if got.status != c.status || !ok {
				t.Errorf("got %d %s\nwant %d %s", got.status, got.body, c.status, c.want)
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	s, _ := serve(t, nil)
	has := func(a answer, name, want string) {
		t.Helper()
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	a := ask(t, s, "GET", "/rpc/numbers?n=9&limit=2&offset=1", "", "Prefer: count=exact, tx=rollback", "Origin: http://a.example")
	has(a, "Content-Range", "1-2/9")
	has(a, "Content-Type", "application/json; charset=utf-8")
	has(a, "Preference-Applied", "count=exact") // tx may not be chosen
	has(a, "Vary", "Accept, Prefer, Range")
	has(a, "Access-Control-Allow-Origin", "*")
	has(a, "Content-Profile", "")

	a = ask(t, s, "POST", "/rpc/ad", "{}")
	has(a, "Proxy-Status", "PostgREST; error=PGRST202")
	has(a, "Content-Type", "application/json; charset=utf-8")

	a = ask(t, s, "HEAD", "/rpc/numbers?n=9", "")
	if a.status != 200 || a.body != "" {
		t.Errorf("HEAD: got %d %q", a.status, a.body)
	}
	has(a, "Content-Range", "0-8/*")

	has(ask(t, s, "OPTIONS", "/rpc/numbers?n=1", ""), "Allow", "OPTIONS,GET,HEAD,POST")
	has(ask(t, s, "OPTIONS", "/rpc/nothing", ""), "Allow", "OPTIONS,POST")
	a = ask(t, s, "OPTIONS", "/rpc/x", "", "Origin: http://a.example", "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: X-A")
	has(a, "Access-Control-Allow-Headers", "Authorization, X-A")

	a = ask(t, s, "POST", "/rpc/headers", `{"h":"[{\"X-A\":\"1\"},{\"Set-Cookie\":\"a\"},{\"Set-Cookie\":\"b\"},{\"Content-Length\":\"9\"}]","s":"418"}`)
	has(a, "X-A", "1")
	has(a, "Content-Length", "1")
	if a.status != 418 || len(a.header.Values("Set-Cookie")) != 2 {
		t.Errorf("got %d %v", a.status, a.header)
	}
	for _, bad := range []struct{ headers, status, code string }{
		{`{\"a\":\"b\"}`, "", "PGRST111"}, {`[{\"a\":1}]`, "", "PGRST111"}, {`x`, "", "PGRST111"}, {`[{}]`, "", "PGRST111"},
		{"", "x", "PGRST112"}, {"", "99", "PGRST112"}, {"", "100", "PGRST112"}, {"", "1000", "PGRST112"},
	} {
		a = ask(t, s, "POST", "/rpc/headers", `{"h":"`+bad.headers+`","s":"`+bad.status+`"}`)
		if a.status != 500 || !strings.Contains(a.body, bad.code) {
			t.Errorf("%v: got %d %s", bad, a.status, a.body)
		}
	}
}

func TestErrorStatus(t *testing.T) {
	s, _ := serve(t, nil)
	for code, want := range map[string]int{
		"P0001": 400, "23505": 409, "23503": 409, "23502": 400, "25006": 405, "42501": 401, "28000": 403, "42P01": 404, "42883": 404,
		"57P01": 503, "57014": 500, "53000": 503, "53400": 500, "XX000": 500, "40001": 500, "PT402": 402, "PT099": 500, "PTABC": 500,
		"21000": 500, "22023": 400, "0A000": 400, "08000": 503, "P0002": 500,
	} {
		a := ask(t, s, "POST", "/rpc/boom", `{"code":"`+code+`"}`)
		if a.status != want || a.body != `{"code":"`+code+`","message":"boom","details":"d","hint":"h"}` {
			t.Errorf("%s: got %d %s, want %d", code, a.status, a.body, want)
		}
	}
	a := ask(t, s, "POST", "/rpc/raised", `{"m":"{\"code\":\"123\",\"message\":\"ABC\"}","d":"{\"status\":332,\"headers\":{\"X-Y\":\"z\"}}"}`)
	if a.status != 332 || a.body != `{"code":"123","message":"ABC","details":null,"hint":null}` || a.header.Get("X-Y") != "z" {
		t.Errorf("got %d %s %v", a.status, a.body, a.header)
	}
	for _, d := range []string{`x`, `{}`, `{\"status\":99999,\"headers\":{}}`, `{\"status\":100,\"headers\":{}}`} {
		a = ask(t, s, "POST", "/rpc/raised", `{"m":"{\"code\":\"123\",\"message\":\"ABC\"}","d":"`+d+`"}`)
		if a.status != 500 || !strings.Contains(a.body, "PGRST121") {
			t.Errorf("detail %s: got %d %s", d, a.status, a.body)
		}
	}
}
