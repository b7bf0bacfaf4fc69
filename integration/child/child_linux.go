package child

import "syscall"

func tieTo(attr *syscall.SysProcAttr, sig syscall.Signal) { attr.Pdeathsig = sig }
