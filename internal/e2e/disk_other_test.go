//go:build !linux

package e2e

import "testing"

// fillDisk needs Linux: elsewhere a process cannot be limited while it runs.
func fillDisk(t *testing.T, _ int, _ bool) {
	t.Skip("the disk of a process can be filled on Linux only")
}
