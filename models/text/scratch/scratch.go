// Package scratch makes folders for files that a model needs while it is loaded, and sees to it that none stays behind, however a process ends.
package scratch

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Folder makes a folder in parent whose name begins with prefix and that nobody else can read; done removes it. Those of processes that ended before they could are removed first: a
// folder in use is locked (flock(2)), and the system frees the lock when its process ends.
func Folder(parent, prefix string) (path string, done func(), err error) {
	removeLeft(parent, prefix)
	if path, err = os.MkdirTemp(parent, prefix+"*"); err != nil {
		return "", nil, err
	}
	lock, err := os.Open(path)
	if err == nil {
		err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	done = func() {
		os.RemoveAll(path)
		lock.Close()
	}
	if err != nil {
		done()
		return "", nil, err
	}
	return path, done, nil
}

// removeLeft removes the folders that nobody has locked. What is not ours to remove stays.
func removeLeft(parent, prefix string) {
	found, err := fs.Glob(os.DirFS(parent), prefix+"*")
	if err != nil {
		return
	}
	for _, name := range found {
		path := filepath.Join(parent, name)
		lock, err := os.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
		if err != nil {
			continue
		}
		// One without files may be another process's that has just made it and not locked it yet.
		entries, _ := lock.Readdirnames(1)
		if len(entries) > 0 && syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			os.RemoveAll(path)
		}
		lock.Close()
	}
}
