//go:build !linux

package child

import "syscall"

func tieTo(*syscall.SysProcAttr, syscall.Signal) {}
