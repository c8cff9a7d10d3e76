package secret

// keyfile.go: the file the keys live in.

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// reload reads the key file, creating it where there is none.
func (s *Sealer) reload() error {
	h, err := readKeys(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = createKeys(s.path); err == nil {
			h, err = readKeys(s.path)
		}
	}
	if err != nil {
		return err
	}
	k, err := newKeys(h)
	if err != nil {
		return fileError("holds no usable keys", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = k
	return nil
}

// AddPrimary adds a fresh key and seals with it from now on; what older keys
// sealed still opens, here and, as soon as they meet the new key, in the other
// processes. Only one process adds keys at a time.
func (s *Sealer) AddPrimary() error {
	lock := s.path + ".lock"
	f, err := os.OpenFile(lock, os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fileError("is being changed by somebody else; if nobody is, remove "+filepath.Base(lock)+" beside it", err)
	}
	defer os.Remove(lock)
	defer f.Close()

	h, err := readKeys(s.path) // never without the keys another process added
	if err != nil {
		return err
	}
	m := keyset.NewManagerFromHandle(h)
	id, err := m.Add(aead.AES256GCMKeyTemplate())
	if err == nil {
		err = m.SetPrimary(id)
	}
	if err == nil {
		h, err = m.Handle()
	}
	if err != nil {
		return fileError("cannot take another key", err)
	}
	if err := writeKeys(s.path, h, os.Rename); err != nil {
		return err
	}
	return s.reload()
}

func readKeys(path string) (*keyset.Handle, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fileError("cannot be found", err)
	}
	// A group may read it, as mounted secrets are; nobody else, and only the owner writes.
	if info.Mode().Perm()&0o027 != 0 {
		return nil, &Error{Code: CodeExposed, Message: "others may read or change the key file; set its mode to 0600"}
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fileError("cannot be read", err)
	}
	h, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(raw)))
	if err != nil {
		return nil, fileError("is not a key file", nil) // the cause may quote it
	}
	return h, nil
}

// createKeys writes a file with one key, unless another process was faster.
func createKeys(path string) error {
	h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return fileError("cannot be created", err)
	}
	err = writeKeys(path, h, os.Link)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// writeKeys writes a file beside path, makes it durable and puts it in place
// as one step: os.Rename replaces, os.Link only creates.
func writeKeys(path string, h *keyset.Handle, place func(from, to string) error) error {
	var buf bytes.Buffer
	if err := insecurecleartextkeyset.Write(h, keyset.NewJSONWriter(&buf)); err != nil {
		return fileError("cannot be written", nil)
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return fileError("cannot be written", err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(buf.Bytes())
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = place(f.Name(), path)
	}
	if err != nil {
		return fileError("cannot be written", err)
	}
	if d, err := os.Open(filepath.Dir(path)); err == nil { // the name must outlive a power cut too
		_ = d.Sync()
		_ = d.Close()
	}
	return nil
}

func fileError(problem string, cause error) error {
	return &Error{Code: CodeKeyFile, Message: "the key file " + problem, cause: cause}
}
