package hub

import (
	"crypto/rand"
	"strings"

	"github.com/oklog/ulid/v2"
)

// NewID is a new opaque id, sortable by creation: "<prefix>_<ulid>".
func NewID(prefix string) string {
	return prefix + "_" + strings.ToLower(ulid.MustNew(ulid.Now(), rand.Reader).String())
}
