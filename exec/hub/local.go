package hub

import (
	"path/filepath"
)

// Local is what of a model in the model folder is shared with others.
type Local struct {
	Name     string // the shortest spelling
	Folder   string
	Files    []string          // relative to Folder, with slashes
	Sums     map[string]string // SHA-256 in hex of files that were pulled
	Revision string            // that was pulled, and Commit what it was; both empty for a model that came in another way
	Commit   string
}

// Open finds the files of a model that Pull would fetch for the same graph, with the graphs that whoever they are for has already. Errors: *names.Error, *NotInstalledError, a model that lacks
// something, those of files.
func Open(dir, name, graph string, there []string) (*Local, error) {
	n, folder, err := find(dir, name)
	if err != nil {
		return nil, err
	}
	r, err := readReceipt(folder)
	if err != nil {
		return nil, err
	}
	l := &Local{Name: n.String(), Folder: folder, Sums: map[string]string{}}
	if r != nil {
		l.Revision, l.Commit = r.Revision, r.Commit
		for path, f := range r.Files {
			l.Sums[path] = f.SHA256
		}
	}
	var all []file
	if err := walk(folder, func(path string, size int64) {
		if filepath.IsLocal(filepath.FromSlash(path)) {
			all = append(all, file{name: path, size: size})
		}
	}); err != nil {
		return nil, err
	}
	files, err := choose(all, graph, there)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		l.Files = append(l.Files, f.name)
	}
	return l, nil
}

// Note writes into a model's folder what was pulled, where its files were put there in another way.
func Note(folder, revision, commit string) error {
	return (&receipt{Revision: revision, Commit: commit, Files: map[string]receiptedFile{}}).write(folder)
}
