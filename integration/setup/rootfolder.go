package main

import (
	"fmt"
	"os"
)

// openRootFolder lets every user enter a folder, "/" in earnest, where this process is root and it is closed to others, as in a root
// made by hand for a container or a chroot. No service runs there otherwise: Postgres refuses to run as root, and another user cannot reach
// its programs.
func openRootFolder(path string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o011 == 0o011 {
		return err
	}
	fmt.Printf("setup: %s is closed to all users but root (mode %04o); opening it, for Postgres does not run as root\n", path, info.Mode().Perm())
	return os.Chmod(path, 0o755)
}
