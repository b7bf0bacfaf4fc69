package main

import "syscall"

// bound makes a child's end follow from the end of whoever started it.
func bound(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGTERM }
