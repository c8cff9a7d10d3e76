package pluginhost

import "golang.org/x/sys/unix"

// limitProcess bounds what a process may map for data, at once and by the
// kernel, and forbids core dumps, which would hold secrets. The address space
// itself cannot be bounded: Go reserves more of it than any sane limit. Best
// effort: where it is refused the memory watch of health remains.
func limitProcess(pid int, memory int64) {
	const reserved = 256 << 20 // what an idle Go process has mapped already
	data := uint64(memory) + reserved
	_ = unix.Prlimit(pid, unix.RLIMIT_DATA, &unix.Rlimit{Cur: data, Max: data}, nil)
	_ = unix.Prlimit(pid, unix.RLIMIT_CORE, &unix.Rlimit{}, nil)
}
