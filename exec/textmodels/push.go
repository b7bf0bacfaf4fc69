package textmodels

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pgowl/pgowl/exec/hub"
	"github.com/pgowl/pgowl/models/text"
	"github.com/pgowl/pgowl/models/text/onnxcheck"
)

// PushOptions are which model to push, and from where.
type PushOptions struct {
	Dir   string // the model folder
	Name  string
	Graph string // a graph that is wanted beside the usual one, as in hub.Options; empty: none
	// Runtime opens the graphs before they are pushed. nil: what only it can tell of a graph is not known.
	Runtime *text.Runtime
	// Progress is called now and then with what one file has and will have in bytes. It may be nil.
	Progress func(file string, done, total int64)
}

// Push puts a model of the model folder into the database, in the place of the one that is there, in one transaction: others see the old one or the new one, whole. It takes the files that
// hub.Pull would fetch: the settings, the usual graph, the one that is wanted, and those that the database has of it already. The same files as those that are there are left alone, and changed is false.
// A model that no proxy could load is not pushed. Errors: *names.Error, *hub.NotInstalledError, a file that is not what was pulled, *text.ModelError, the database's.
func Push(ctx context.Context, conn *pgx.Conn, o PushOptions) (changed bool, err error) {
	there, err := graphsOf(ctx, conn, o.Name)
	if absent(err) {
		return false, ErrNoCatalog
	}
	if err != nil {
		return false, err
	}
	local, err := hub.Open(o.Dir, o.Name, o.Graph, there)
	if err != nil {
		return false, err
	}
	files, err := look(ctx, local)
	if err != nil {
		return false, fmt.Errorf("%s: %w", local.Name, err)
	}
	total, err := checkFiles(files)
	if err != nil {
		return false, fmt.Errorf("%s: %w", local.Name, err)
	}
	if err := text.Check(local.Folder, local.Name, pathsOf(files), o.Runtime); err != nil {
		return false, err
	}
	version := versionOf(files)
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if err := lock(ctx, tx, local.Name); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `DELETE FROM pgml.text_models WHERE name = $1 AND version <> $2`, local.Name, version)
		if err != nil {
			return err
		}
		var id int64
		err = tx.QueryRow(ctx, `INSERT INTO pgml.text_models (name, version, revision, commit, bytes) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO NOTHING RETURNING id`,
			local.Name, version, local.Revision, local.Commit, total).Scan(&id)
		if err == pgx.ErrNoRows && tag.RowsAffected() == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		changed = true
		for _, f := range files {
			if err := pushFile(ctx, tx, id, local.Folder, f, o.Progress); err != nil {
				return fmt.Errorf("%s: %w", f.path, err)
			}
		}
		return nil
	})
	return changed && err == nil, err
}

// graphsOf are the graphs of a model in the database.
func graphsOf(ctx context.Context, q querier, name string) ([]string, error) {
	rows, err := q.Query(ctx, `SELECT f.path FROM pgml.text_models m JOIN pgml.text_model_files f ON f.model_id = m.id WHERE m.name = $1 AND f.path LIKE '%.onnx'`, shortName(name))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func pathsOf(files []modelFile) []string {
	paths := make([]string, len(files))
	for i, f := range files {
		paths[i] = f.path
	}
	return paths
}

// look reads the files of a model: their sums, which must be those of what was pulled, and the graphs, which must be such as a proxy loads.
func look(ctx context.Context, local *hub.Local) ([]modelFile, error) {
	paths := slices.Clone(local.Files)
	for i := 0; i < len(paths); i++ {
		if !strings.HasSuffix(paths[i], ".onnx") {
			continue
		}
		info, err := onnxcheck.File(filepath.Join(local.Folder, filepath.FromSlash(paths[i])))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", paths[i], err)
		}
		for _, beside := range info.Files {
			if beside = path.Join(path.Dir(paths[i]), beside); !slices.Contains(paths, beside) {
				paths = append(paths, beside)
			}
		}
	}
	var files []modelFile
	for _, name := range paths {
		size, sum, err := sumOf(ctx, filepath.Join(local.Folder, filepath.FromSlash(name)))
		if err != nil {
			return nil, err
		}
		if want := local.Sums[name]; want != "" && want != hex.EncodeToString(sum) {
			return nil, fmt.Errorf("%s is not what was pulled", name)
		}
		files = append(files, modelFile{name, size, sum})
	}
	return files, nil
}

// pushFile writes one file, and notices if it is not the one that was looked at.
func pushFile(ctx context.Context, tx pgx.Tx, id int64, folder string, f modelFile, progress func(file string, done, total int64)) error {
	if _, err := tx.Exec(ctx, `INSERT INTO pgml.text_model_files (model_id, path, size, sha256) VALUES ($1, $2, $3, $4)`, id, f.path, f.size, f.sha256); err != nil {
		return err
	}
	in, err := os.Open(filepath.Join(folder, filepath.FromSlash(f.path)))
	if err != nil {
		return err
	}
	defer in.Close()
	h := sha256.New()
	part, done := 0, int64(0)
	data := make([]byte, partSize)
	_, err = tx.CopyFrom(ctx, pgx.Identifier{"pgml", "text_model_parts"}, []string{"model_id", "path", "part", "data"}, pgx.CopyFromFunc(func() ([]any, error) {
		n, err := io.ReadFull(in, data)
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return nil, err
		}
		if progress != nil && (n > 0 || f.size == 0) {
			progress(f.path, done+int64(n), f.size)
		}
		if n == 0 {
			return nil, nil
		}
		h.Write(data[:n])
		part, done = part+1, done+int64(n)
		return []any{id, f.path, part - 1, data[:n]}, nil
	}))
	if err == nil && (done != f.size || !bytes.Equal(h.Sum(nil), f.sha256)) {
		err = fmt.Errorf("it was changed meanwhile")
	}
	return err
}
