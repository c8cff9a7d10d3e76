package e2e

import "syscall"

// lifeline ends a process when the tests end, however that happens.
func lifeline() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
