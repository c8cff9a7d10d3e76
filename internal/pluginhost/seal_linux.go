package pluginhost

// Sealing on Linux: the bytes are copied to anonymous memory that nobody can
// change any more, hashed there and executed from there. What was checked is
// what runs, whatever happens to the file meanwhile.

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

type sealed struct {
	file *os.File
	path string // to execute
	sum  string // hex sha256
	size int64
}

const maxBinary = 512 << 20

func seal(r io.Reader, name string) (*sealed, error) {
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate(name, flags|unix.MFD_EXEC)
	if errors.Is(err, unix.EINVAL) { // before Linux 6.3 all of them were executable
		fd, err = unix.MemfdCreate(name, flags)
	}
	if err != nil {
		return nil, fmt.Errorf("no sealed memory for the binary (memfd_create): %w", err)
	}
	f := os.NewFile(uintptr(fd), name)
	hash := sha256.New()
	size, err := io.Copy(io.MultiWriter(f, hash), io.LimitReader(r, maxBinary))
	if err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_WRITE|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("copy the binary to sealed memory: %w", err)
	}
	// The descriptor is close-on-exec: the child resolves the path before it
	// loses it, and inherits nothing.
	return &sealed{file: f, path: fmt.Sprintf("/proc/self/fd/%d", fd), sum: hex.EncodeToString(hash.Sum(nil)), size: size}, nil
}

func (s *sealed) reader() io.Reader { return io.NewSectionReader(s.file, 0, s.size) }

// Close gives the memory back once no process runs from it.
func (s *sealed) Close() error { return s.file.Close() }
