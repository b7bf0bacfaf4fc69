package rest

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/pgowl/pgowl/exec/httpd"
)

// mounted serves over a real listener, as the process does.
func mounted(t testing.TB) string {
	t.Helper()
	s, _ := serve(t, nil)
	h := httpd.New(httpd.Options{Addr: "127.0.0.1:0", Mounts: map[string]http.Handler{"/rest/v1": s}, Ready: s.Ready})
	if err := h.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		h.Stop(context.Background())
	})
	return "http://" + h.Addr()
}

func TestOverHTTP(t *testing.T) {
	base := mounted(t)
	do := func(method, path, body string) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequest(method, base+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		name, value, _ := strings.Cut(token(t, `{"role":"rest_user"}`), ": ")
		r.Header.Set(name, value)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res, string(b)
	}
	if res, body := do("POST", "/rest/v1/rpc/clicks", `{"input_string":"x"}`); res.StatusCode != 200 || body != `[{"is_clickbait":0.5}]` {
		t.Errorf("got %d %s", res.StatusCode, body)
	}
	if res, _ := do("HEAD", "/rest/v1/rpc/whoami", ""); res.StatusCode != 200 || res.Header.Get("Content-Length") != "" {
		t.Errorf("HEAD: got %d %v", res.StatusCode, res.Header)
	}
	if res, _ := do("POST", "/rest/v1/rpc/nothing", ""); res.StatusCode != 204 || res.Header.Get("Content-Type") != "" || res.Header.Get("Content-Length") != "" {
		t.Errorf("void: got %d %v", res.StatusCode, res.Header)
	}
	if res, body := do("GET", "/rest/v1/rpc/setting?name=request.path", ""); body != `"/rpc/setting"` {
		t.Errorf("path: got %d %s", res.StatusCode, body)
	}
	if res, _ := do("GET", "/ready", ""); res.StatusCode != 200 {
		t.Errorf("ready: got %d", res.StatusCode)
	}
	if res, _ := do("GET", "/rest/v1", ""); res.StatusCode != 404 {
		t.Errorf("root: got %d", res.StatusCode)
	}
}

func BenchmarkCall(b *testing.B) {
	s, _ := serve(b, nil)
	b.ReportAllocs()
	for b.Loop() {
		if a := ask(b, s, "POST", "/rpc/add", `{"a":1,"b":2}`); a.body != "3" {
			b.Fatal(a.body)
		}
	}
}
