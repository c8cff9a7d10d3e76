package secret

// apikey.go: the keys by which a product's backend calls the hub.

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"

	"github.com/atshub/atshub/sdk"
)

const (
	apiKeyPrefix = "atsk_" // lets secret scanners recognise one
	apiKeyBytes  = 32
)

// NewAPIKey is a fresh 256-bit API key and the hash to store of it. The key is
// shown once; it needs no slow hash because nobody can guess 256 bits.
func NewAPIKey() (sdk.Secret, []byte) {
	b := make([]byte, apiKeyBytes)
	_, _ = rand.Read(b) // never fails
	key := sdk.Secret(apiKeyPrefix + base64.RawURLEncoding.EncodeToString(b))
	hash, _ := HashAPIKey(key)
	return key, hash
}

// HashAPIKey is the SHA-256 to look a presented key up by; false for what
// cannot be a key.
func HashAPIKey(presented sdk.Secret) ([]byte, bool) {
	encoded, ok := strings.CutPrefix(presented.Reveal(), apiKeyPrefix)
	if raw, err := base64.RawURLEncoding.Strict().DecodeString(encoded); !ok || err != nil || len(raw) != apiKeyBytes {
		return nil, false
	}
	h := sha256.Sum256([]byte(presented.Reveal()))
	return h[:], true
}

// MatchAPIKey compares a presented key with a stored hash in constant time.
func MatchAPIKey(hash []byte, presented sdk.Secret) bool {
	got, ok := HashAPIKey(presented)
	return ok && subtle.ConstantTimeCompare(hash, got) == 1
}
