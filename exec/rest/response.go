package rest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// override applies what a function said by response.headers and response.status. Its headers replace those of the same name;
// several of one name stay several.
func (res *result) override(h http.Header, status int) (int, error) {
	if res.headers != "" {
		extra, ok := parseHeaders(res.headers)
		if !ok {
			return 0, &fault{status: 500, code: "PGRST111",
				message: "response.headers guc must be a JSON array composed of objects with a single key and a string value"}
		}
		for _, x := range extra {
			h.Del(x.name)
		}
		for _, x := range extra {
			h.Add(x.name, x.value)
		}
	}
	if res.status == "" {
		return status, nil
	}
	n, err := strconv.Atoi(strings.TrimSpace(res.status))
	if err != nil || !validStatus(n) {
		return 0, &fault{status: 500, code: "PGRST112", message: "response.status guc must be a valid status code"}
	}
	return n, nil
}

// parseHeaders reads [{"name": "value"}, ...]. Headers that say how the message is cut are the listener's, and left out.
func parseHeaders(text string) ([]header, bool) {
	var list []map[string]*string
	if json.Unmarshal([]byte(text), &list) != nil || list == nil {
		return nil, false
	}
	var out []header
	for _, m := range list {
		if len(m) != 1 {
			return nil, false
		}
		for name, value := range m {
			if value == nil {
				return nil, false
			}
			switch http.CanonicalHeaderKey(name) {
			case "Content-Length", "Transfer-Encoding", "Connection", "Upgrade":
			default:
				out = append(out, header{name, *value})
			}
		}
	}
	return out, true
}
