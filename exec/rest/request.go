package rest

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
)

// segments are the parts of a path, unescaped; nil for the root, false for what isn't UTF-8.
func segments(u *url.URL) ([]string, bool) {
	path := strings.TrimPrefix(u.EscapedPath(), "/")
	if path == "" {
		return nil, true
	}
	parts := strings.Split(path, "/")
	for i, p := range parts {
		s, err := url.PathUnescape(p)
		if err != nil || !utf8.ValidString(s) {
			return nil, false
		}
		parts[i] = s
	}
	return parts, true
}

// profile picks the schema by the header for the method. named tells whether the answer should name it.
func (s *Server) profile(r *http.Request) (schema string, named bool, err error) {
	name := "Content-Profile"
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		name = "Accept-Profile"
	}
	want := r.Header.Get(name)
	if want == "" {
		return s.opts.Schemas[0], len(s.opts.Schemas) > 1, nil
	}
	for _, schema := range s.opts.Schemas {
		if schema == want {
			return schema, true, nil
		}
	}
	return "", false, &fault{status: http.StatusNotAcceptable, code: "PGRST106", message: "Invalid schema: " + strings.ToValidUTF8(want, "\uFFFD"),
		hint: "Only the following schemas are exposed: " + strings.Join(s.opts.Schemas, ", ")}
}

// settings are those that a transaction starts with, in order.
func (s *Server) settings(r *http.Request, c *cache, schema string, id identity, prefs preferences, fn *routine) []Setting {
	path := []string{pgx.Identifier{schema}.Sanitize()}
	for _, x := range s.opts.ExtraSearchPath {
		path = append(path, pgx.Identifier{x}.Sanitize())
	}
	out := []Setting{{"search_path", strings.Join(path, ", ")}}
	out = append(out, c.roles[id.role].settings...)
	headers, cookies := requestHeaders(r)
	out = append(out, Setting{"role", id.role}, Setting{"request.jwt.claims", string(id.claims)},
		Setting{"request.method", r.Method}, Setting{"request.path", r.URL.EscapedPath()},
		Setting{"request.headers", headers}, Setting{"request.cookies", cookies})
	if prefs.timezone != "" {
		out = append(out, Setting{"timezone", prefs.timezone})
	}
	out = append(out, fn.settings...)
	return append(out, s.opts.Settings...)
}

// requestHeaders are the request's headers and its cookies as JSON objects.
func requestHeaders(r *http.Request) (headers, cookies string) {
	h := map[string]string{"host": r.Host}
	for name, values := range r.Header {
		if name != "Cookie" {
			h[strings.ToLower(name)] = strings.Join(values, ", ")
		}
	}
	c := map[string]string{}
	for _, x := range r.Cookies() {
		c[x.Name] = x.Value
	}
	return string(marshal(h)), string(marshal(c))
}
