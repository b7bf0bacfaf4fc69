// Package hub brings models from a hub (the Hugging Face Hub, or a server that speaks its paths) into the model folder. It takes
// the ONNX graph, or safetensors weights where there is none, and the JSON settings of a sentence-transformers repository and nothing else: no pickle, no code. A model appears
// in the folder whole and checked, or not at all; what was cut off goes on where it stopped.
package hub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pgowl/pgowl/models/text/names"
)

// DefaultEndpoint is the public hub.
const DefaultEndpoint = "https://huggingface.co"

// Options are what to pull, and from and to where.
type Options struct {
	Endpoint string // the hub's URL; empty: DefaultEndpoint. Callers pass HF_ENDPOINT on
	Token    string // sent to the endpoint's host alone; empty: none
	Dir      string // the model folder, made if it is not there
	Name     string // NAME means sentence-transformers/NAME
	Revision string // a branch, tag or commit; empty: main
	Graph    string // a graph that is wanted beside the usual one (names.GraphPaths), such as model_qint8_avx512.onnx; empty: none
	// Progress is called now and then with what one file has and will have in bytes. It may be nil.
	Progress func(file string, done, total int64)
	// Wait is called before an attempt is repeated, with 1, 2, ...; it returns ctx's cause when ctx is done. nil: one second, then twice as long
	// each time.
	Wait func(ctx context.Context, attempt int) error
}

// StatusError is an answer of the hub that is no success.
type StatusError struct {
	What   string // what was asked for
	Status int    // of HTTP
}

func (e *StatusError) Error() string {
	switch e.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Sprintf("%s: the hub answers %d: there is no such model, or it needs a token (HF_TOKEN)", e.What, e.Status)
	case http.StatusNotFound:
		return fmt.Sprintf("%s: not found on the hub", e.What)
	}
	return fmt.Sprintf("%s: the hub answers %d %s", e.What, e.Status, http.StatusText(e.Status))
}

// ChecksumError is a file whose bytes are not those that the hub announced, twice in a row.
type ChecksumError struct{ File string }

func (e *ChecksumError) Error() string {
	return fmt.Sprintf("%s: its checksum is not the one that the hub gives", e.File)
}

// Pull brings a model into the model folder. All files are of one commit, and each is checked
// against the hub's sum. A model that is there already and has the same files is left alone; one of another revision is replaced once
// the new one is complete. Errors: *names.Error, *StatusError, *ChecksumError, ctx's cause, and those of files and network.
func Pull(ctx context.Context, o Options) error {
	name, err := names.Parse(o.Name)
	if err != nil {
		return err
	}
	c, err := newClient(o)
	if err != nil {
		return err
	}
	defer c.http.CloseIdleConnections()
	listing, err := c.list(ctx, name.Repository(), o.Revision)
	if err != nil {
		// The hub says that there is none, in one way or another, and the name was completed here.
		if status := new(StatusError); errors.As(err, &status) && status.Status/100 == 4 && o.Revision == "" && !strings.Contains(o.Name, "/") {
			err = fmt.Errorf("%w; a model of others than sentence-transformers is written ORGANISATION/NAME", err)
		}
		return err
	}
	final := filepath.Join(o.Dir, name.Folders()[0])
	for _, known := range name.Folders() { // an existing one may have the other spelling
		if _, err := os.Stat(filepath.Join(o.Dir, known, "config.json")); err == nil {
			final = filepath.Join(o.Dir, known)
			break
		}
	}
	commit := listing.commit
	if sum(commit, 20) == nil {
		commit = "" // the hub has not told
	}
	files, err := choose(listing.files, o.Graph, graphsIn(final))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if complete(final, files) {
		r, err := newReceipt(final, name.Repository(), o.Revision, commit, files)
		if err != nil {
			return err
		}
		return r.write(final)
	}
	s, err := openStage(o.Dir, name)
	if err != nil {
		return err
	}
	defer s.close()
	for _, f := range files {
		if err := s.adopt(final, f); err != nil {
			return err
		}
		if f.isWeights() { // the settings are there, as they are smaller
			if err := s.writable(); err != nil {
				return fmt.Errorf("%s has no ONNX export, and its weights cannot be used: %w", name, err)
			}
		}
		if err := c.fetch(ctx, name.Repository(), listing.commit, f, s); err != nil {
			return err
		}
	}
	if err := s.sweep(files); err != nil {
		return err
	}
	r, err := newReceipt(s.dir, name.Repository(), o.Revision, commit, files)
	if err != nil {
		return err
	}
	if err := r.write(s.dir); err != nil {
		return err
	}
	return s.publish(final)
}

// client speaks to one hub.
type client struct {
	endpoint string
	token    string
	http     *http.Client
	progress func(file string, done, total int64)
	wait     func(ctx context.Context, attempt int) error
	stall    time.Duration // as stall, but in tests
}

func newClient(o Options) (*client, error) {
	endpoint := o.Endpoint
	if endpoint == "" {
		endpoint = DefaultEndpoint
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("the hub's endpoint is not an http or https URL") // it may hold a password: not shown
	}
	if o.Dir == "" {
		return nil, errors.New("no model folder is given")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = 30 * time.Second
	transport.DisableCompression = true // sizes and ranges are of the file itself
	c := &client{
		endpoint: strings.TrimRight(endpoint, "/"),
		token:    o.Token,
		http:     &http.Client{Transport: transport, CheckRedirect: redirect},
		progress: o.Progress,
		wait:     o.Wait,
		stall:    stall,
	}
	if c.progress == nil {
		c.progress = func(string, int64, int64) {}
	}
	if c.wait == nil {
		c.wait = wait
	}
	return c, nil
}

// wait waits 1, 2, 4 ... seconds.
func wait(ctx context.Context, attempt int) error {
	timer := time.NewTimer(time.Second << min(attempt-1, 5))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// get asks for a path of the hub. net/http keeps the token from other hosts when it follows a redirect.
func (c *client) get(ctx context.Context, path string, header http.Header) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.endpoint+path, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", "pgowl")
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	for k, v := range header {
		request.Header[k] = v
	}
	return c.http.Do(request)
}

// attempts is how often in a row something may fail without any progress.
const attempts = 4

// temporary tells answers that another attempt may better.
func temporary(status int) bool {
	return status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status >= 500
}
