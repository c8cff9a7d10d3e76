package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// fillDisk makes every write of a process to a file fail, or work again.
func fillDisk(t *testing.T, pid int, full bool) {
	t.Helper()
	var limit unix.Rlimit
	require.NoError(t, unix.Prlimit(pid, unix.RLIMIT_FSIZE, nil, &limit))
	limit.Cur = limit.Max
	if full {
		limit.Cur = 1
	}
	require.NoError(t, unix.Prlimit(pid, unix.RLIMIT_FSIZE, &limit, nil))
}
