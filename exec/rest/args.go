package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sort"
	"unicode/utf8"
)

// arguments are what a request gives a function: JSON, named values, or one raw value.
type arguments struct {
	keys  []string // names, sorted, each once
	media string   // of the body; empty where there is none
	post  bool

	json  []byte              // an object, or an array of which the first object counts
	named map[string][]string // values of a query string or a form
	raw   []byte              // the body as it came
}

// queryArguments are those of a GET.
func queryArguments(pairs []pair) arguments {
	a := arguments{named: map[string][]string{}}
	a.addNamed(pairs)
	return a
}

func (a *arguments) addNamed(pairs []pair) {
	for _, p := range pairs {
		a.named[p.key] = append(a.named[p.key], p.value)
	}
	for k := range a.named {
		a.keys = append(a.keys, k)
	}
	sort.Strings(a.keys)
}

// readBody reads at most limit bytes.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	var b bytes.Buffer
	if 0 < r.ContentLength && r.ContentLength <= limit {
		// Memory is taken as bytes come, not as they are announced.
		b.Grow(int(min(r.ContentLength, 1<<20)))
	}
	_, err := b.ReadFrom(http.MaxBytesReader(w, r.Body, limit))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, &fault{status: http.StatusRequestEntityTooLarge, code: "PGRST102",
			message: fmt.Sprintf("The request body is larger than %d bytes", limit)}
	case err != nil && err != io.EOF:
		return nil, &fault{status: http.StatusBadRequest, code: "PGRST102", message: "The request body could not be read", cause: err}
	}
	return b.Bytes(), nil
}

// bodyArguments are those of a POST. With columns the body is not looked into: Postgres does, later.
func bodyArguments(body []byte, media string, columns []string) (arguments, error) {
	a := arguments{post: true, media: media, raw: body}
	if media == mediaCSV {
		var err error
		if body, err = csvToJSON(body); err != nil {
			return a, err
		}
		columns, media = nil, mediaJSON
	}
	switch media {
	case mediaJSON:
		if columns != nil {
			a.json, a.keys = body, unique(columns)
			return a, nil
		}
		if len(body) == 0 {
			body = []byte("{}")
		}
		keys, ok, err := jsonKeys(body)
		if err != nil {
			return a, err
		}
		if !ok {
			body = []byte("[]")
		}
		a.json, a.keys = body, keys
	case mediaForm:
		pairs, ok := parsePairs(string(body))
		if !ok {
			return a, badBody("The request body is not valid UTF-8")
		}
		a.named = map[string][]string{}
		a.addNamed(pairs)
	case mediaText, mediaXML:
		if !utf8.Valid(body) {
			return a, badBody("The request body is not valid UTF-8")
		}
	case mediaBytes:
	default:
		return a, badBody("Content-Type not acceptable: " + media)
	}
	return a, nil
}

// jsonKeys gives the names of an object, or those that all objects of an array share. ok is false for JSON without names: an
// empty array, or neither object nor array.
func jsonKeys(body []byte) (keys []string, ok bool, err error) {
	if !utf8.Valid(body) || !json.Valid(body) {
		return nil, false, badBody("Empty or invalid json")
	}
	switch trimmed := bytes.TrimLeft(body, " \t\r\n"); trimmed[0] {
	case '{':
		keys, _ := objectKeys(body)
		return keys, true, nil
	case '[':
		var list []json.RawMessage
		if json.Unmarshal(body, &list) != nil {
			return nil, false, badBody("Empty or invalid json")
		}
		for i, item := range list {
			k, isObject := objectKeys(item)
			if !isObject || i > 0 && !equal(keys, k) {
				return nil, false, badBody("All object keys must match")
			}
			keys = k
		}
		return keys, len(list) > 0, nil
	}
	return nil, false, nil
}

// objectKeys gives the names of a JSON object, sorted.
func objectKeys(raw []byte) ([]string, bool) {
	var m map[string]json.RawMessage
	if json.Unmarshal(raw, &m) != nil || m == nil {
		return nil, false
	}
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys, true
}

// isJSONArray tells an array from an object by its first byte.
func isJSONArray(body []byte) bool {
	b := bytes.TrimLeft(body, " \t\r\n")
	return len(b) > 0 && b[0] == '['
}

func equal(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func unique(names []string) []string {
	seen := map[string]bool{}
	out := []string{}
	for _, n := range names {
		if !seen[n] {
			seen[n] = true
			out = append(out, n)
		}
	}
	sort.Strings(out)
	return out
}
