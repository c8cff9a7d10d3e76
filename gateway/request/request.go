// Package request is what a request's log line will say about it. Parts of the
// gateway fill it in as they learn more; nothing secret and nobody's name goes
// into it.
package request

import "context"

// Info accompanies one request.
type Info struct {
	ID         string
	Product    string
	Tenant     string
	Key        string // id of the API key
	Connection string
	Code       string // of the problem answered
	Cause      error  // of the problem, for the log alone
}

type key struct{}

// With is ctx carrying a new Info.
func With(ctx context.Context, id string) (context.Context, *Info) {
	i := &Info{ID: id}
	return context.WithValue(ctx, key{}, i), i
}

// Of is the Info of ctx; an unattached one where there is none.
func Of(ctx context.Context) *Info {
	if i, ok := ctx.Value(key{}).(*Info); ok {
		return i
	}
	return &Info{}
}
