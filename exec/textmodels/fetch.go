package textmodels

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pgowl/pgowl/exec/hub"
)

// fetch reads one version of a model, in a transaction that sees it whole whoever pushes another one meanwhile.
type fetch struct {
	tx               pgx.Tx
	id               int64
	revision, commit string
	files            []modelFile
}

// errGone is a version that is not there any more; the next call finds the new one.
var errGone = errors.New("it has just been replaced by another version, or removed")

// fetching calls do with a version of a model.
func fetching(ctx context.Context, pool *pgxpool.Pool, name, version string, do func(f *fetch) error) error {
	return pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		f := &fetch{tx: tx}
		err := tx.QueryRow(ctx, `SELECT id, revision, commit FROM pgml.text_models WHERE name = $1 AND version = $2`, name, version).Scan(&f.id, &f.revision, &f.commit)
		if errors.Is(err, pgx.ErrNoRows) {
			return errGone
		}
		if err != nil {
			return err
		}
		// One more than there may be shows that there are too many.
		rows, err := tx.Query(ctx, `SELECT path, size, sha256 FROM pgml.text_model_files WHERE model_id = $1 ORDER BY path LIMIT $2`, f.id, maxFiles+1)
		if err != nil {
			return err
		}
		f.files, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (m modelFile, err error) {
			err = row.Scan(&m.path, &m.size, &m.sha256)
			return m, err
		})
		if err != nil {
			return err
		}
		if _, err := checkFiles(f.files); err != nil {
			return err
		}
		if versionOf(f.files) != version {
			return errors.New("its files are not those of its version")
		}
		return do(f)
	})
}

// holds tells by an error what is wrong with the files in a folder.
func (f *fetch) holds(ctx context.Context, dir string) error {
	for _, file := range f.files {
		size, sum, err := sumOf(ctx, filepath.Join(dir, filepath.FromSlash(file.path)))
		if err != nil {
			return err
		}
		if size != file.size || !bytes.Equal(sum, file.sha256) {
			return fmt.Errorf("%s has another checksum", file.path)
		}
	}
	return nil
}

// into writes the files into a folder, and what was pulled, which the engine compares with a call's revision.
func (f *fetch) into(ctx context.Context, dir string) error {
	for _, file := range f.files {
		if err := f.write(ctx, file, filepath.Join(dir, filepath.FromSlash(file.path))); err != nil {
			return fmt.Errorf("%s: %w", file.path, withoutPath(err))
		}
	}
	if f.revision == "" {
		return nil
	}
	return withoutPath(hub.Note(dir, f.revision, f.commit))
}

// write writes one file, a row at a time.
func (f *fetch) write(ctx context.Context, file modelFile, name string) (err error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	out, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	rows, err := f.tx.Query(ctx, `SELECT part, data FROM pgml.text_model_parts WHERE model_id = $1 AND path = $2 ORDER BY part`, f.id, file.path)
	if err != nil {
		return err
	}
	defer rows.Close()
	h := sha256.New()
	done, next := int64(0), int32(0)
	for rows.Next() {
		var part int32
		var data []byte
		if err := rows.Scan(&part, &data); err != nil {
			return err
		}
		if done += int64(len(data)); part != next || len(data) > partSize || done > file.size {
			return errors.New("its parts in the database are not in order")
		}
		next++
		h.Write(data)
		if _, err := out.Write(data); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if done != file.size || !bytes.Equal(h.Sum(nil), file.sha256) {
		return errors.New("it has another checksum than it should")
	}
	return nil
}

// withoutPath is an error of a file without its path, which is nobody's business.
func withoutPath(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
