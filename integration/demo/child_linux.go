package main

import "syscall"

func tieTo(attr *syscall.SysProcAttr, sig syscall.Signal) { attr.Pdeathsig = sig }
