package main

import (
	"errors"
	"os"
)

// noServices tells Debian's package scripts, for the time of an installation, to start nothing: PgBouncer's would listen on the port that
// is PgOwl's own by default. A policy that is there already stays as it is (policy-rc.d: /usr/share/doc/init-system-helpers).
func noServices(file string) (undo func(), err error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if errors.Is(err, os.ErrExist) {
		return func() {}, nil
	}
	if err != nil {
		return nil, err
	}
	_, err = f.WriteString("#!/bin/sh\nexit 101\n")
	if err = errors.Join(err, f.Close(), os.Chmod(file, 0o755)); err != nil {
		os.Remove(file)
		return nil, err
	}
	return func() { os.Remove(file) }, nil
}
