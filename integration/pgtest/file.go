package pgtest

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// File puts a file into the server's data directory before it starts, readable by the server alone, as it wants a private key to
// be. Settings name it by its bare name: File("server.key", pem), Setting("ssl_key_file", "server.key").
func File(name, text string) Option { return func(o *options) { o.files[name] = text } }

// writeFiles gives the files to whoever owns dir, since root's server runs as another user.
func writeFiles(dir string, files map[string]string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
		owner, ok := info.Sys().(*syscall.Stat_t)
		if !ok || os.Geteuid() != 0 {
			continue
		}
		if err := os.Chown(path, int(owner.Uid), int(owner.Gid)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}
