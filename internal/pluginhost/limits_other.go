//go:build !linux

package pluginhost

// limitProcess is for Linux alone; elsewhere GOMEMLIMIT is all there is.
func limitProcess(int, int64) {}
