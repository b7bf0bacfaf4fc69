package rest

import (
	"fmt"
	"net/http"
	"strconv"
)

// rpc answers a request for /rpc/NAME.
func (s *Server) rpc(w http.ResponseWriter, r *http.Request, id identity, name string) error {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodOptions:
	default:
		return &fault{status: http.StatusMethodNotAllowed, code: "PGRST101", message: "Cannot use the " + r.Method + " method on RPC"}
	}
	schema, named, err := s.profile(r)
	if err != nil {
		return err
	}
	prefs := parsePreferences(r.Header, s.opts.TxEnd)
	c, fns, err := s.prepare(w, r, schema, name)
	if err != nil {
		return err
	}
	if r.Method == http.MethodOptions {
		w.Header().Set("Allow", allowed(c.fn))
		w.WriteHeader(http.StatusOK)
		return nil
	}
	if c.shape, err = negotiate(r.Header); err != nil {
		return err
	}
	if err := prefs.check(); err != nil {
		return err
	}
	if prefs.limit() >= 0 && !c.fn.set {
		return &fault{status: http.StatusBadRequest, code: "PGRST128",
			message: "Function must return SETOF or TABLE when max-affected preference is used with handling=strict"}
	}
	c.count = prefs.count == "exact"

	t := transaction{
		readOnly:  !c.args.post || !c.fn.volatile,
		isolation: c.fn.isolation,
		settings:  s.settings(r, fns, schema, id, prefs, c.fn),
		rollback:  prefs.rollsBack(s.opts.TxEnd),
	}
	if t.isolation == "" {
		t.isolation = fns.roles[id.role].isolation
	}
	status := http.StatusOK
	h := w.Header().Clone() // of the answer, if there is one: an error has other headers
	t.check = func(res result) (err error) {
		status, err = c.answer(h, res, prefs)
		if err == nil && named {
			h.Set("Content-Profile", schema)
		}
		return err
	}
	sql, params := c.statement()
	res, err := s.run(r.Context(), t, sql, params)
	if err != nil {
		return err
	}
	for k, v := range h {
		w.Header()[k] = v
	}
	if status == http.StatusRequestedRangeNotSatisfiable && c.count {
		res.body = badRange(fmt.Sprintf("An offset of %d was requested, but there are only %d rows.", c.page.offset, res.total)).body()
	}
	c.send(w, r, status, res.body)
	return nil
}

// prepare reads what is asked and finds the function for it. When there is none, the database is asked again first: it may
// have been made since.
func (s *Server) prepare(w http.ResponseWriter, r *http.Request, schema, name string) (*call, *cache, error) {
	post := r.Method == http.MethodPost
	q, err := parseCallQuery(r.URL.RawQuery, post)
	if err != nil {
		return nil, nil, err
	}
	c := &call{}
	if c.page, err = parsePage(r.Method, r.Header, q.limit, q.offset); err != nil {
		return nil, nil, err
	}
	if post {
		body, err := readBody(w, r, s.opts.MaxBody)
		if err != nil {
			return nil, nil, err
		}
		if c.args, err = bodyArguments(body, bodyMedia(r.Header), q.columns); err != nil {
			return nil, nil, err
		}
	} else {
		c.args = queryArguments(q.args)
	}
	fns := s.cache.Load()
	if fns != nil {
		if c.fn, c.whole, err = fns.find(schema, name, &c.args); err == nil {
			return c, fns, nil
		}
	}
	if fns, err = s.missed(r.Context()); err != nil {
		return nil, nil, err
	}
	c.fn, c.whole, err = fns.find(schema, name, &c.args)
	return c, fns, err
}

func allowed(fn *routine) string {
	if fn.volatile {
		return "OPTIONS,POST"
	}
	return "OPTIONS,GET,HEAD,POST"
}

// answer makes the headers and the status of a result, or says what is wrong with it.
func (c *call) answer(h http.Header, res result, prefs preferences) (status int, err error) {
	if c.shape.single() && c.fn.returns != void {
		if err := singleRow(res.rows); err != nil {
			return 0, err
		}
	}
	if n := prefs.limit(); n >= 0 && res.rows > n {
		return 0, &fault{status: http.StatusBadRequest, code: "PGRST124", message: "Query result exceeds max-affected preference constraint",
			details: fmt.Sprintf("The query affects %d rows", res.rows)}
	}
	value, status := c.page.contentRange(res.rows, res.total)
	h.Set("Content-Range", value)
	if applied := prefs.applied(); applied != "" {
		h.Set("Preference-Applied", applied)
	}
	if c.fn.returns == void {
		status = http.StatusNoContent
	} else {
		h.Set("Content-Type", c.shape.contentType())
	}
	return res.override(h, status)
}

// send writes the answer.
func (c *call) send(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	if status == http.StatusNoContent || status == http.StatusNotModified {
		w.WriteHeader(status)
		return
	}
	if r.Method == http.MethodHead {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body)
}
