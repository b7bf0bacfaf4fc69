package hub

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/pgowl/pgowl/models/text/names"
)

const commit = "0123456789abcdef0123456789abcdef01234567"

// fakeHub speaks the two paths of the hub that Pull uses, for one repository.
type fakeHub struct {
	*httptest.Server
	repository string
	files      map[string]string

	mu       sync.Mutex
	requests []string          // method-less: path and Range
	cut      map[string][]int  // the next answers for a file end after so many bytes of body
	status   map[string][]int  // the next answers for a path have this status
	sums     map[string]string // announced instead of the right ones
	bare     bool              // announces neither sums nor sizes
	noRange  bool
	token    string // wanted, where not empty
	elsewhere,
	etag bool // files lie on another host; its sum is in a header
	other *httptest.Server
	leak  bool // the other host saw the token
}

func newHub(t *testing.T, repository string) *fakeHub {
	h := &fakeHub{repository: repository, cut: map[string][]int{}, status: map[string][]int{}, sums: map[string]string{}, files: map[string]string{
		"config.json":               `{"hidden_size":4}`,
		"tokenizer.json":            `{}`,
		"modules.json":              `[]`,
		"1_Pooling/config.json":     `{"pooling_mode_mean_tokens":true}`,
		"onnx/model.onnx":           strings.Repeat("0123456789abcdef", 1000),
		"onnx/model_quantized.onnx": "not wanted",
		"pytorch_model.bin":         "pickle",
		"model.safetensors":         "not wanted",
		"evil.py":                   "code",
		"README.md":                 "not wanted",
	}}
	h.Server = httptest.NewServer(http.HandlerFunc(h.serve))
	h.other = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		h.leak = h.leak || r.Header.Get("Authorization") != ""
		h.mu.Unlock()
		h.body(w, r, strings.TrimPrefix(r.URL.Path, "/"))
	}))
	t.Cleanup(h.Close)
	t.Cleanup(h.other.Close)
	return h
}

func (h *fakeHub) serve(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	h.requests = append(h.requests, r.URL.Path+" "+r.Header.Get("Range"))
	status := 0
	if next := h.status[r.URL.Path]; len(next) > 0 {
		status, h.status[r.URL.Path] = next[0], next[1:]
	}
	h.mu.Unlock()
	name, isFile := strings.CutPrefix(r.URL.Path, "/"+h.repository+"/resolve/"+commit+"/")
	switch {
	case status != 0:
		w.WriteHeader(status)
	case h.token != "" && r.Header.Get("Authorization") != "Bearer "+h.token:
		w.WriteHeader(http.StatusUnauthorized)
	case r.URL.Path == "/api/models/"+h.repository+"/revision/main" && r.URL.Query().Get("blobs") == "true":
		h.list(w)
	case isFile && h.elsewhere:
		if h.etag {
			w.Header().Set("X-Linked-Etag", `"`+h.sha256(name)+`"`)
		}
		http.Redirect(w, r, strings.Replace(h.other.URL, "127.0.0.1", "localhost", 1)+"/"+name, http.StatusFound)
	case isFile:
		h.body(w, r, name)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (h *fakeHub) sha256(name string) string {
	if s, ok := h.sums[name]; ok {
		return s
	}
	s := sha256.Sum256([]byte(h.files[name]))
	return hex.EncodeToString(s[:])
}

func (h *fakeHub) list(w http.ResponseWriter) {
	var siblings []map[string]any
	for name, content := range h.files {
		s := map[string]any{"rfilename": name}
		switch {
		case h.bare:
		case strings.HasSuffix(name, ".onnx"):
			s["size"] = len(content)
			s["lfs"] = map[string]any{"sha256": h.sha256(name), "size": len(content)}
		default:
			blob := sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(content), content))
			s["size"], s["blobId"] = len(content), hex.EncodeToString(blob[:])
		}
		siblings = append(siblings, s)
	}
	json.NewEncoder(w).Encode(map[string]any{"sha": commit, "siblings": siblings})
}

func (h *fakeHub) body(w http.ResponseWriter, r *http.Request, name string) {
	content, ok := h.files[name]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	h.mu.Lock()
	cut := -1
	if next := h.cut[name]; len(next) > 0 {
		cut, h.cut[name] = next[0], next[1:]
	}
	h.mu.Unlock()
	start := 0
	if from, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes="); ok && !h.noRange {
		start, _ = strconv.Atoi(strings.TrimSuffix(from, "-"))
		if start >= len(content) {
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			return
		}
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", start, len(content)-1, len(content)))
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(content)-start))
	if start > 0 {
		w.WriteHeader(http.StatusPartialContent)
	}
	rest := content[start:]
	if cut >= 0 && cut < len(rest) {
		rest = rest[:cut] // less than announced: the connection breaks
	}
	fmt.Fprint(w, rest)
}

func (h *fakeHub) options(dir string) Options {
	return Options{Endpoint: h.URL + "/", Dir: dir, Name: strings.TrimPrefix(h.repository, "sentence-transformers/"),
		Wait: func(ctx context.Context, _ int) error { return context.Cause(ctx) }}
}

// tree lists the files under dir but for locks.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasSuffix(path, ".lock") {
			rel, _ := filepath.Rel(dir, path)
			found = append(found, filepath.ToSlash(rel))
		}
		return err
	})
	slices.Sort(found)
	return found
}

func (h *fakeHub) check(t *testing.T, dir, folder string) {
	t.Helper()
	var want []string
	for _, name := range []string{"1_Pooling/config.json", "config.json", "modules.json", "onnx/model.onnx", "tokenizer.json"} {
		want = append(want, folder+"/"+name)
		got, err := os.ReadFile(filepath.Join(dir, folder, name))
		if err != nil || string(got) != h.files[name] {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	want = append(want, folder+"/"+receiptFile)
	slices.Sort(want)
	if got := tree(t, dir); !slices.Equal(got, want) {
		t.Errorf("the model folder has %q, want %q", got, want)
	}
}

func TestPull(t *testing.T) {
	h := newHub(t, "sentence-transformers/all-MiniLM-L12-v2")
	dir := filepath.Join(t.TempDir(), "models")
	o := h.options(dir)
	var last int64
	o.Progress = func(file string, done, total int64) {
		if file == "onnx/model.onnx" {
			if total != 16000 || done < last {
				t.Errorf("progress %d of %d after %d", done, total, last)
			}
			last = done
		}
	}
	if err := Pull(context.Background(), o); err != nil || last != 16000 {
		t.Fatal(last, err)
	}
	h.check(t, dir, "all-MiniLM-L12-v2")
	h.requests = nil
	if err := Pull(context.Background(), o); err != nil || len(h.requests) != 1 {
		t.Errorf("again: %v, requests %q", err, h.requests)
	}
	// Another revision: only what changed is fetched.
	h.files["config.json"] = `{"hidden_size":8}`
	h.requests = nil
	if err := Pull(context.Background(), o); err != nil || len(h.requests) != 2 {
		t.Errorf("changed: %v, requests %q", err, h.requests)
	}
	h.check(t, dir, "all-MiniLM-L12-v2")
}

func TestPullOrganisation(t *testing.T) {
	h := newHub(t, "BAAI/bge-small-en-v1.5")
	dir := t.TempDir()
	if err := Pull(context.Background(), h.options(dir)); err != nil {
		t.Fatal(err)
	}
	h.check(t, dir, "BAAI/bge-small-en-v1.5")
}

func TestPullTroubles(t *testing.T) {
	const graph = "onnx/model.onnx"
	list := func(h *fakeHub) string { return "/api/models/" + h.repository + "/revision/main" }
	for _, c := range []struct {
		name  string
		set   func(h *fakeHub)
		check func(t *testing.T, h *fakeHub)
	}{
		{"cut off twice: goes on by range", func(h *fakeHub) { h.cut[graph] = []int{5000, 7000} }, func(t *testing.T, h *fakeHub) {
			if !slices.ContainsFunc(h.requests, func(r string) bool { return strings.HasSuffix(r, "bytes=12000-") }) {
				t.Errorf("requests %q", h.requests)
			}
		}},
		{"cut off often, with progress each time", func(h *fakeHub) { h.cut[graph] = slices.Repeat([]int{1000}, 12) }, nil},
		{"no ranges: from the start", func(h *fakeHub) { h.noRange = true; h.cut[graph] = []int{5000} }, nil},
		{"busy for a while", func(h *fakeHub) {
			h.status[list(h)] = []int{503, 429}
			h.status["/"+h.repository+"/resolve/"+commit+"/"+graph] = []int{500}
		}, nil},
		{"no sums, no sizes", func(h *fakeHub) { h.bare = true; h.cut[graph] = []int{5000} }, nil},
		{"another host, without the token", func(h *fakeHub) { h.elsewhere = true; h.token = "secret" }, func(t *testing.T, h *fakeHub) {
			if h.leak {
				t.Error("the other host saw the token")
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHub(t, "sentence-transformers/m")
			c.set(h)
			dir := t.TempDir()
			o := h.options(dir)
			o.Token = h.token
			if err := Pull(context.Background(), o); err != nil {
				t.Fatal(err)
			}
			h.check(t, dir, "m")
			if c.check != nil {
				c.check(t, h)
			}
		})
	}
}

func TestPullFails(t *testing.T) {
	const graph = "onnx/model.onnx"
	wrong := strings.Repeat("00", 32)
	isStatus := func(want int) func(error) bool {
		return func(err error) bool {
			var e *StatusError
			return errors.As(err, &e) && e.Status == want
		}
	}
	says := func(want string) func(error) bool {
		return func(err error) bool { return err != nil && strings.Contains(err.Error(), want) }
	}
	isSum := func(err error) bool { var e *ChecksumError; return errors.As(err, &e) && e.File == graph }
	for _, c := range []struct {
		name string
		set  func(h *fakeHub, o *Options)
		is   func(error) bool
	}{
		{"bad sum", func(h *fakeHub, _ *Options) { h.sums[graph] = wrong }, isSum},
		{"bad sum in a header", func(h *fakeHub, _ *Options) { h.bare, h.elsewhere, h.etag = true, true, true; h.sums[graph] = wrong }, isSum},
		{"unknown model", func(_ *fakeHub, o *Options) { o.Name = "other" }, func(err error) bool {
			return isStatus(404)(err) && says("sentence-transformers/other: not found")(err) && says("ORGANISATION/NAME")(err)
		}},
		{"unknown model of an organisation", func(_ *fakeHub, o *Options) { o.Name = "x/other" }, func(err error) bool { return isStatus(404)(err) && !says("ORGANISATION")(err) }},
		{"needs a token", func(h *fakeHub, _ *Options) { h.token = "x" }, isStatus(401)},
		{"unknown revision", func(_ *fakeHub, o *Options) { o.Revision = "v9" }, func(err error) bool { return isStatus(404)(err) && says("@v9: not found")(err) }},
		{"hostile revision", func(_ *fakeHub, o *Options) { o.Revision = "../../x" }, says("not a revision")},
		{"no graph", func(h *fakeHub, _ *Options) { delete(h.files, graph) }, says("no ONNX export")},
		{"no tokenizer", func(h *fakeHub, _ *Options) { delete(h.files, "tokenizer.json") }, says("no tokenizer.json")},
		{"busy for good", func(h *fakeHub, _ *Options) {
			h.status["/api/models/"+h.repository+"/revision/main"] = slices.Repeat([]int{503}, 9)
		}, isStatus(503)},
		{"stands still", func(h *fakeHub, _ *Options) { h.cut[graph] = slices.Repeat([]int{0}, 9) }, says("unexpected EOF")},
		{"endpoint", func(_ *fakeHub, o *Options) { o.Endpoint = "ftp://user:hidden@x" }, func(err error) bool {
			return says("endpoint")(err) && !says("hidden")(err)
		}},
		{"no hub", func(h *fakeHub, _ *Options) { h.Close() }, says("the hub does not answer (HF_ENDPOINT names another one)")},
		{"hostile name", func(_ *fakeHub, o *Options) { o.Name = "../x" }, func(err error) bool { var e *names.Error; return errors.As(err, &e) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHub(t, "sentence-transformers/m")
			dir := t.TempDir()
			o := h.options(dir)
			c.set(h, &o)
			err := Pull(context.Background(), o)
			if !c.is(err) {
				t.Errorf("got %v", err)
			}
			if _, err := os.Stat(filepath.Join(dir, "m")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a model that is not whole was published: %v", err)
			}
		})
	}
}

// TestPullGoesOnLater: an attempt that was cancelled leaves its part, which the next one goes on with.
func TestPullGoesOnLater(t *testing.T) {
	h := newHub(t, "sentence-transformers/m")
	h.cut["onnx/model.onnx"] = []int{6000}
	dir := t.TempDir()
	cause := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(context.Background())
	o := h.options(dir)
	o.Wait = func(ctx context.Context, _ int) error { cancel(cause); return context.Cause(ctx) }
	if err := Pull(ctx, o); !errors.Is(err, cause) {
		t.Fatal(err)
	}
	h.requests = nil
	if err := Pull(context.Background(), h.options(dir)); err != nil {
		t.Fatal(err)
	}
	h.check(t, dir, "m")
	if len(h.requests) != 2 || !strings.HasSuffix(h.requests[1], "bytes=6000-") {
		t.Errorf("requests %q", h.requests)
	}
}

// TestPullDamagedPart: a part with wrong bytes is found out by the sum and fetched again.
func TestPullDamagedPart(t *testing.T) {
	h := newHub(t, "sentence-transformers/m")
	dir := t.TempDir()
	for _, n := range []int{100, 16000, 20000} {
		part := filepath.Join(dir, ".pull", "sentence-transformers--m", "onnx", "model.onnx.part")
		os.MkdirAll(filepath.Dir(part), 0o755)
		os.WriteFile(part, []byte(strings.Repeat("x", n)), 0o644)
		if err := Pull(context.Background(), h.options(dir)); err != nil {
			t.Fatal(n, err)
		}
		h.check(t, dir, "m")
		os.RemoveAll(filepath.Join(dir, "m"))
	}
}

// TestPullTwiceAtOnce: a second process is told so.
func TestPullTwiceAtOnce(t *testing.T) {
	h := newHub(t, "sentence-transformers/m")
	dir := t.TempDir()
	name, _ := names.Parse("m")
	s, err := openStage(dir, name)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if err := Pull(context.Background(), h.options(dir)); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Error(err)
	}
}

func TestChooseHostile(t *testing.T) {
	all := []file{{name: "config.json"}, {name: "tokenizer.json"}, {name: "onnx/model.onnx"},
		{name: "../../etc/passwd"}, {name: "/etc/passwd"}, {name: "../config.json"}, {name: "1_../config.json"}, {name: "..\\config.json"},
		{name: "1_Pooling/../../config.json"}, {name: "1_Pooling/config.json\n"}, {name: "x/config.json"}, {name: "model.bin"}, {name: "tokenizer.pkl"}, {name: ""}}
	files, err := choose(all, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range files {
		got = append(got, f.name)
	}
	slices.Sort(got)
	if want := []string{"config.json", "onnx/model.onnx", "tokenizer.json"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestChooseSteps: steps bring their settings and numbers, never a pickle.
func TestChooseSteps(t *testing.T) {
	files, err := choose([]file{{name: "config.json"}, {name: "tokenizer.json"}, {name: "onnx/model.onnx"}, {name: "2_Dense/config.json"}, {name: "2_Dense/model.safetensors"}, {name: "2_Dense/pytorch_model.bin"},
		{name: "sentence_xlm-roberta_config.json"}, {name: "model.safetensors"}, {name: "sentence_../_config.json"}}, "", nil)
	var got []string
	for _, f := range files {
		got = append(got, f.name)
	}
	slices.Sort(got)
	if want := []string{"2_Dense/config.json", "2_Dense/model.safetensors", "config.json", "onnx/model.onnx", "sentence_xlm-roberta_config.json", "tokenizer.json"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, want %q; %v", got, want, err)
	}
}

func FuzzParseListing(f *testing.F) {
	f.Add(`{"sha":"` + commit + `","siblings":[{"rfilename":"config.json","size":-1,"lfs":{"sha256":"00"}},{"rfilename":"tokenizer.json"},{"rfilename":"onnx/model.onnx","lfs":null}]}`)
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, data string) {
		l, err := parseListing([]byte(data))
		if err != nil {
			return
		}
		files, err := choose(l.files, "", nil)
		if err != nil {
			return
		}
		for _, file := range files {
			if !filepath.IsLocal(file.name) || file.size < -1 || strings.HasPrefix(file.name, ".") {
				t.Fatalf("%+v", file)
			}
		}
	})
}
