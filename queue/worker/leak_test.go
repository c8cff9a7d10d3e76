package worker_test

import "go.uber.org/goleak"

// noLeaks finds goroutines that outlive what started them. The test servers
// live as long as the process.
func noLeaks() error {
	return goleak.Find(
		goleak.IgnoreAnyFunction("database/sql.(*DB).connectionOpener"),
		goleak.IgnoreAnyFunction("os/exec.(*Cmd).Wait"),
	)
}
