//go:build !linux

package pluginhost

// Sealing elsewhere: a private copy in a folder of our own is hashed and
// executed. It keeps out everyone but other processes of the same user.

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

type sealed struct {
	file *os.File
	path string // to execute
	sum  string // hex sha256
	size int64
}

const maxBinary = 512 << 20

func seal(r io.Reader, name string) (*sealed, error) {
	dir, err := os.MkdirTemp("", "atshub-seal")
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, name)
	w, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o500)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	hash := sha256.New()
	size, err := io.Copy(io.MultiWriter(w, hash), io.LimitReader(r, maxBinary))
	if err = errors.Join(err, w.Close()); err != nil {
		return nil, errors.Join(fmt.Errorf("copy the binary: %w", err), os.RemoveAll(dir))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &sealed{file: f, path: path, sum: hex.EncodeToString(hash.Sum(nil)), size: size}, nil
}

func (s *sealed) reader() io.Reader { return io.NewSectionReader(s.file, 0, s.size) }

// Close removes the copy; a process that runs from it keeps running.
func (s *sealed) Close() error {
	return errors.Join(s.file.Close(), os.RemoveAll(filepath.Dir(s.path)))
}
