package hub

import (
	"crypto/rand"
	"strings"
	"sync"

	"github.com/oklog/ulid/v2"
)

var entropy = struct {
	sync.Mutex
	*ulid.MonotonicEntropy
}{MonotonicEntropy: ulid.Monotonic(rand.Reader, 0)}

// NewID is a new opaque id "<prefix>_<ulid>". Ids made by one process sort in
// the order they were made, also within a millisecond.
func NewID(prefix string) string {
	entropy.Lock()
	defer entropy.Unlock()
	return prefix + "_" + strings.ToLower(ulid.MustNew(ulid.Now(), entropy.MonotonicEntropy).String())
}
