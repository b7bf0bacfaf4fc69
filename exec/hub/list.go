package hub

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/pgowl/pgowl/models/text/names"
	"github.com/pgowl/pgowl/models/text/safetensors"
)

// file is one file of a repository.
type file struct {
	name   string
	size   int64  // -1: not said
	sha256 []byte // nil: not said, which is so for small files
	blob   []byte // the SHA-1 that git gives to a small file; nil: not said
}

// listing is a repository at a commit.
type listing struct {
	commit string // what to ask the files of: the commit, or the revision where the hub does not tell
	files  []file
}

// maxListing is the size of the largest answer that is read as a list of files.
const maxListing = 32 << 20

// plainRevision is what may stand in a path as a revision. Branches may have slashes; they are escaped.
var plainRevision = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]{0,200}$`)

// list asks for the files of a repository.
func (c *client) list(ctx context.Context, repository, revision string) (*listing, error) {
	what := repository
	if revision == "" {
		revision = "main"
	} else {
		what += "@" + revision
	}
	if !plainRevision.MatchString(revision) {
		return nil, fmt.Errorf("%q is not a revision", revision)
	}
	path := "/api/models/" + repository + "/revision/" + url.PathEscape(revision) + "?blobs=true"
	for attempt := 1; ; attempt++ {
		l, again, err := c.tryList(ctx, what, path)
		if err == nil {
			if l.commit == "" {
				l.commit = revision
			}
			return l, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if !again || attempt == attempts {
			return nil, err
		}
		if err := c.wait(ctx, attempt); err != nil {
			return nil, err
		}
	}
}

func (c *client) tryList(ctx context.Context, what, path string) (l *listing, again bool, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.stall, errStalled) // a list is short
	defer cancel()
	response, err := c.get(ctx, path, nil)
	if err != nil {
		return nil, true, fmt.Errorf("the hub does not answer (HF_ENDPOINT names another one): %w", why(ctx, err))
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, temporary(response.StatusCode), &StatusError{What: what, Status: response.StatusCode}
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, maxListing+1))
	if err != nil {
		return nil, true, why(ctx, err)
	}
	if len(data) > maxListing {
		return nil, false, fmt.Errorf("%s: the hub's list of files is too long", what)
	}
	l, err = parseListing(data)
	if err != nil {
		return nil, false, fmt.Errorf("%s: the hub's answer: %w", what, err)
	}
	return l, false, nil
}

// parseListing reads the hub's answer. A sum or commit in a wrong form counts as not given.
func parseListing(data []byte) (*listing, error) {
	var answer struct {
		SHA      string `json:"sha"`
		Siblings []struct {
			Name string `json:"rfilename"`
			Size *int64 `json:"size"`
			Blob string `json:"blobId"`
			LFS  *struct {
				SHA256 string `json:"sha256"`
				Size   *int64 `json:"size"`
			} `json:"lfs"`
		} `json:"siblings"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return nil, err
	}
	l := new(listing)
	if sum(answer.SHA, 20) != nil {
		l.commit = answer.SHA
	}
	for _, s := range answer.Siblings {
		f := file{name: s.Name, size: -1}
		size := s.Size
		if s.LFS != nil {
			f.sha256 = sum(s.LFS.SHA256, 32)
			if s.LFS.Size != nil {
				size = s.LFS.Size
			}
		} else {
			f.blob = sum(s.Blob, 20)
		}
		if size != nil && *size >= 0 {
			f.size = *size
		}
		l.files = append(l.files, f)
	}
	return l, nil
}

// sum reads a checksum of so many bytes, or nil.
func sum(text string, size int) []byte {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != size {
		return nil
	}
	return b
}

// wanted are the settings that a model's engine reads, and the licence. The graph is not among them.
var wanted = []string{"config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "modules.json",
	"config_sentence_transformers.json", "LICENSE", "LICENSE.txt"}

// step is the settings of a step behind the transformer, such as 1_Pooling/config.json, and the numbers of one that has some.
var step = regexp.MustCompile(`^[0-9]{1,2}_[A-Za-z]{1,40}/(config\.json|model\.safetensors)$`)

// lengths are the old names of sentence_bert_config.json, by the kind of transformer.
var lengths = regexp.MustCompile(`^sentence_[a-z-]{1,20}_config\.json$`)

// shards are the files of weights that are too large for one.
var shards = regexp.MustCompile(`^model-[0-9]{1,5}-of-[0-9]{1,5}\.safetensors$`)

// isWeights tells the weights of a transformer, in one file or several.
func (f *file) isWeights() bool { return f.name == safetensors.File || shards.MatchString(f.name) }

// graphsIn are the graphs of a model that is there already.
func graphsIn(folder string) (paths []string) {
	for _, pattern := range []string{"onnx/*.onnx", "*.onnx"} {
		found, err := fs.Glob(os.DirFS(folder), pattern)
		if err == nil { // the pattern is a good one
			paths = append(paths, found...)
		}
	}
	return paths
}

// graphsOf tells somebody who has asked for another graph which ones there are.
func graphsOf(all []file) string {
	var found []string
	for _, f := range all {
		if names.GraphPaths(f.name) != nil {
			found = append(found, f.name)
		}
	}
	if len(found) == 0 {
		return ", nor any other graph"
	}
	const most = 20
	slices.Sort(found)
	if len(found) > most {
		found = append(found[:most], "...")
	}
	return "; it has " + strings.Join(found, ", ")
}

// choose picks what a model needs out of a repository's files: the usual graph, or the weights where there is no graph, one that is wanted beside it, and those that are there already. The names come from outside, so only
// those that are known count.
func choose(all []file, wantedGraph string, there []string) ([]file, error) {
	byName := map[string]file{}
	for _, f := range all {
		if slices.Contains(wanted, f.name) || step.MatchString(f.name) || lengths.MatchString(f.name) {
			byName[f.name] = f
		}
	}
	for _, name := range []string{"config.json", "tokenizer.json"} {
		if _, ok := byName[name]; !ok {
			return nil, fmt.Errorf("the repository has no %s", name)
		}
	}
	// add takes the first of the graphs that the repository has.
	add := func(paths ...string) bool {
		for _, name := range paths {
			i := slices.IndexFunc(all, func(f file) bool { return f.name == name })
			if i < 0 {
				continue
			}
			byName[name] = all[i]
			// A graph of more than 2 GB has its weights in a file beside it.
			if i := slices.IndexFunc(all, func(f file) bool { return f.name == name+"_data" }); i >= 0 {
				byName[name+"_data"] = all[i]
			}
			return true
		}
		return false
	}
	usual := add("onnx/model.onnx", "model.onnx")
	switch {
	case wantedGraph != "":
		paths := names.GraphPaths(wantedGraph)
		if paths == nil {
			return nil, fmt.Errorf("%.120q names no graph: want NAME.onnx or onnx/NAME.onnx", wantedGraph)
		}
		if !add(paths...) {
			return nil, fmt.Errorf("the repository has no %s%s", wantedGraph, graphsOf(all))
		}
	case !usual && add(safetensors.File):
	case !usual && add(safetensors.Index):
		// One graph is written for the weights of all the files that it lists. Their names are known before it is.
		for _, f := range all {
			if shards.MatchString(f.name) {
				byName[f.name] = f
			}
		}
	case !usual:
		return nil, errors.New("the repository has neither an ONNX export (onnx/model.onnx) nor model.safetensors; other weights are not loaded")
	}
	for _, path := range there {
		if names.GraphPaths(path) != nil {
			add(path)
		}
	}
	var files []file
	for name, f := range byName {
		if !filepath.IsLocal(filepath.FromSlash(name)) {
			return nil, fmt.Errorf("the repository has a file named %q", name)
		}
		files = append(files, f)
	}
	// The small ones first: what is wrong with them shows before the long download.
	slices.SortFunc(files, func(a, b file) int {
		if a.isWeights() != b.isWeights() { // even where sizes are not told
			if b.isWeights() {
				return -1
			}
			return 1
		}
		if a.size != b.size && a.size >= 0 && b.size >= 0 {
			if a.size < b.size {
				return -1
			}
			return 1
		}
		if a.name < b.name {
			return -1
		}
		return 1
	})
	return files, nil
}
