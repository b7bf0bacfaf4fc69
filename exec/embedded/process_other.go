//go:build !linux

package embedded

import "syscall"

// tieTo does nothing where the kernel knows no signal for a parent's death: the next start then ends the orphan.
func tieTo(*syscall.SysProcAttr, syscall.Signal) {}
