package worker

// Reason is an error as it may be kept and shown: the code and safe message of
// a typed one, for any other that the hub failed.
func Reason(err error) string { return describe(err) }
