//go:build !linux

package main

import "syscall"

func tieTo(*syscall.SysProcAttr, syscall.Signal) {}
