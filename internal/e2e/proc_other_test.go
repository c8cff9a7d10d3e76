//go:build !linux

package e2e

// processSecrets can be seen on Linux only.
func (w *world) processSecrets() []byte { return []byte("not Linux") }
