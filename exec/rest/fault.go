package rest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
)

// fault is an answer that tells what went wrong, in PostgREST's form.
type fault struct {
	status  int
	code    string // PostgREST's code, or the SQLSTATE
	message string
	details string // "" is null
	hint    string // "" is null
	headers []header
	cause   error // for the log only
}

type header struct{ name, value string }

func (f *fault) Error() string {
	if f.cause != nil {
		return f.code + ": " + f.message + ": " + f.cause.Error()
	}
	return f.code + ": " + f.message
}

func (f *fault) Unwrap() error { return f.cause }

// body is the JSON object that clients get.
func (f *fault) body() []byte {
	optional := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	return marshal(struct {
		Code    string  `json:"code"`
		Message string  `json:"message"`
		Details *string `json:"details"`
		Hint    *string `json:"hint"`
	}{f.code, f.message, optional(f.details), optional(f.hint)})
}

// write sends the answer. Headers that were set before stay.
func (f *fault) write(w http.ResponseWriter, r *http.Request) {
	body := f.body()
	h := w.Header()
	h.Set("Content-Type", jsonType)
	h.Set("Proxy-Status", "PostgREST; error="+f.code)
	for _, x := range f.headers {
		h.Set(x.name, x.value)
	}
	if f.status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "1")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(f.status)
	if r.Method != http.MethodHead {
		w.Write(body)
	}
}

// marshal is json.Marshal without its care for HTML, for values that cannot fail.
func marshal(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return []byte("null")
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// The faults that are made in several places.

func badBody(message string) *fault {
	return &fault{status: http.StatusBadRequest, code: "PGRST102", message: message}
}

// missing is for what PostgREST has and we don't yet.
func missing(what string) *fault {
	return &fault{status: http.StatusNotImplemented, code: "PGRST127", message: what + " is not available in PgOwl yet"}
}

func badRange(details string) *fault {
	return &fault{status: http.StatusRequestedRangeNotSatisfiable, code: "PGRST103", message: "Requested range not satisfiable", details: details}
}
