package embedded

import "syscall"

// tieTo makes the kernel send sig to the process when the thread that started it ends, however that happens.
func tieTo(attr *syscall.SysProcAttr, sig syscall.Signal) { attr.Pdeathsig = sig }
