//go:build !linux

package e2e

import "syscall"

func lifeline() *syscall.SysProcAttr { return nil }
