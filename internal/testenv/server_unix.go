//go:build unix

package testenv

import (
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// Postgres refuses to run as root, so root's servers run as someone else.

// servant is the user and group servers run as; ok is false for one's own.
func servant() (uid, gid uint32, ok bool) {
	if os.Getuid() != 0 {
		return 0, 0, false
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		id, err1 := strconv.ParseUint(u.Uid, 10, 32)
		group, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil {
			return uint32(id), uint32(group), true
		}
	}
	return 0, 0, false
}

func giveAway(dir string) error {
	if uid, gid, ok := servant(); ok {
		return os.Chown(dir, int(uid), int(gid))
	}
	return nil
}

// runAs makes cmd run as the servant.
func runAs(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if uid, gid, ok := servant(); ok {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uid, Gid: gid}
	}
}

// detach is runAs, out of reach of an interrupt at the terminal: the guardian
// must live to tidy up.
func detach(cmd *exec.Cmd) {
	runAs(cmd)
	cmd.SysProcAttr.Setsid = true
}
