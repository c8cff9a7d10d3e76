package pluginhost

// Processes are group leaders, so that a signal reaches all they started and
// a Ctrl-C meant for the hub reaches none of them.

import (
	"os/exec"
	"syscall"
)

func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func killGroup(pid int) error { return syscall.Kill(-pid, syscall.SIGKILL) }
