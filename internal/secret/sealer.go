// Package secret keeps credentials: sealed at rest, bound to whose they are,
// shown to nobody.
//
// A [Sealer] encrypts with the keys of one file. A sealed value opens only
// under the tenant, connection and field it was sealed for, so that a row
// copied to another place in the database is worthless there.
package secret

import (
	"encoding/binary"
	"errors"
	"sync"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/atshub/atshub/sdk"
)

// Code classifies an Error.
type Code string

const (
	CodeKeyFile    Code = "key_file"    // the key file cannot be read, written or understood
	CodeExposed    Code = "exposed"     // others may read the key file
	CodeUnknownKey Code = "unknown_key" // sealed with a key that is not in the key file
	CodeNotOpened  Code = "not_opened"  // changed, or sealed for another tenant, connection or field
	CodeInvalid    Code = "invalid"     // tenant, connection or field is empty
)

// Error is the one error of the package; its text never holds a secret.
type Error struct {
	Code    Code
	Message string
	cause   error
}

func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }
func (e *Error) Unwrap() error { return e.cause }

// Is makes errors.Is(err, &Error{Code: c}) match by code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// Sealer seals and opens secrets. Safe for concurrent use, also by several
// processes on one key file.
type Sealer struct {
	path string

	mu   sync.RWMutex
	keys keys
}

// keys are the keys of the file as last read.
type keys struct {
	handle  *keyset.Handle
	aead    tink.AEAD
	ids     map[uint32]bool
	primary uint32
}

func newKeys(h *keyset.Handle) (keys, error) {
	a, err := aead.New(h)
	if err != nil {
		return keys{}, err
	}
	k := keys{handle: h, aead: a, ids: map[uint32]bool{}}
	info := h.KeysetInfo()
	k.primary = info.GetPrimaryKeyId()
	for _, key := range info.GetKeyInfo() {
		k.ids[key.GetKeyId()] = true
	}
	return k, nil
}

// OpenSealer reads the key file at path; where there is none it creates one
// with a fresh AES-256-GCM key, readable by its owner alone. Processes that
// start at once end up with the same key. CodeExposed if others may read it.
func OpenSealer(path string) (*Sealer, error) {
	s := &Sealer{path: path}
	if err := s.reload(); err != nil {
		return nil, err
	}
	return s, nil
}

// Seal encrypts the secret for this field of this connection of this tenant.
func (s *Sealer) Seal(tenant, connection, field string, plain sdk.Secret) ([]byte, error) {
	bound, err := associated(tenant, connection, field)
	if err != nil {
		return nil, err
	}
	sealed, err := s.now().aead.Encrypt([]byte(plain.Reveal()), bound)
	if err != nil {
		return nil, &Error{Code: CodeKeyFile, Message: "the secret cannot be sealed; it was not stored"}
	}
	return sealed, nil
}

// Open decrypts what Seal made under the same three names.
func (s *Sealer) Open(tenant, connection, field string, sealed []byte) (sdk.Secret, error) {
	bound, err := associated(tenant, connection, field)
	if err != nil {
		return "", err
	}
	k := s.now()
	id, ok := keyID(sealed)
	if !ok {
		return "", notOpened()
	}
	if !k.ids[id] { // another process may have added a key since
		if err := s.reload(); err != nil {
			return "", err
		}
		if k = s.now(); !k.ids[id] {
			return "", &Error{Code: CodeUnknownKey, Message: "the secret was sealed with a key that is not in the key file; restore the file, or enter the credential again"}
		}
	}
	plain, err := k.aead.Decrypt(sealed, bound)
	if err != nil {
		return "", notOpened()
	}
	return sdk.Secret(plain), nil
}

// Current tells that the value is sealed with the newest key. After AddPrimary
// every value that is not is opened and sealed again; a run that was
// interrupted is simply run again.
func (s *Sealer) Current(sealed []byte) bool {
	id, ok := keyID(sealed)
	return ok && id == s.now().primary
}

func (s *Sealer) now() keys {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.keys
}

// keyID reads the id of the key from the prefix Tink puts before a ciphertext.
func keyID(sealed []byte) (uint32, bool) {
	if len(sealed) < 5 || sealed[0] != 1 {
		return 0, false
	}
	return binary.BigEndian.Uint32(sealed[1:5]), true
}

// associated is the data a sealed value is bound to. Every part carries its
// length, so that no two triples give the same bytes.
func associated(parts ...string) ([]byte, error) {
	b := []byte("atshub secret 1")
	for _, p := range parts {
		if p == "" {
			return nil, &Error{Code: CodeInvalid, Message: "a secret belongs to a tenant, a connection and a field; one is missing"}
		}
		b = binary.BigEndian.AppendUint32(b, uint32(len(p)))
		b = append(b, p...)
	}
	return b, nil
}

func notOpened() error {
	return &Error{Code: CodeNotOpened, Message: "the stored secret was changed, or belongs to another connection; enter the credential again"}
}

// Hint is what a person may see of a secret once it is stored: its last four
// characters, or nothing where that would be a good part of it.
func Hint(s sdk.Secret) string {
	r := []rune(s.Reveal())
	if len(r) < 12 {
		return ""
	}
	return string(r[len(r)-4:])
}

// CodeOf is the code of err, "" where it is not of this package.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}
