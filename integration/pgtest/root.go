package pgtest

import (
	"os"
	"path/filepath"
	"syscall"
)

const rootPattern = "pgowl-pgtest-*"

// makeRoot makes the folder of a server, which stays locked while this process lives. Folders of processes that were
// killed before they could clean up are removed on the way.
func makeRoot() (string, *os.File, error) {
	old, _ := filepath.Glob(filepath.Join(os.TempDir(), rootPattern))
	for _, dir := range old {
		if lock, err := lockRoot(dir); err == nil {
			os.RemoveAll(dir)
			lock.Close()
		}
	}
	// Another process may take a folder between its making and its locking for an abandoned one; then the next try has it.
	for range 5 {
		if root, lock, err := newRoot(); err == nil {
			return root, lock, nil
		}
	}
	return newRoot()
}

func newRoot() (string, *os.File, error) {
	root, err := os.MkdirTemp("", rootPattern)
	if err != nil {
		return "", nil, err
	}
	// Root's server runs as another user, who makes its socket here.
	if err := os.Chmod(root, 0o777); err != nil {
		return "", nil, err
	}
	lock, err := os.OpenFile(filepath.Join(root, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		return "", nil, err
	}
	return root, lock, nil
}

// lockRoot takes the lock of an existing folder; it fails while its process lives, and for one that is being made.
func lockRoot(dir string) (*os.File, error) {
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		return nil, err
	}
	return lock, nil
}
