package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestNoServices(t *testing.T) {
	file := filepath.Join(t.TempDir(), "policy-rc.d")
	undo, err := noServices(file)
	if err != nil {
		t.Fatal(err)
	}
	err = exec.Command(file, "pgbouncer", "start").Run()
	if e, ok := err.(*exec.ExitError); !ok || e.ExitCode() != 101 {
		t.Errorf("the policy says %v, want exit status 101", err)
	}
	again, err := noServices(file)
	if err != nil {
		t.Fatal(err)
	}
	if again(); !there(file) {
		t.Error("somebody else's policy was removed")
	}
	if undo(); there(file) {
		t.Error("the policy was left behind")
	}
}

func there(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}
