package api

import (
	"github.com/atshub/atshub/internal/service"
)

// Parts of inputs that many routes share.

// InTenant is a path below a tenant.
type InTenant struct {
	Tenant string `path:"tenant" maxLength:"64"`
}

// InConnection is a path below a connection.
type InConnection struct {
	InTenant
	Connection string `path:"connection" maxLength:"64"`
}

// InLink is a path below a job link.
type InLink struct {
	InTenant
	Link string `path:"link" maxLength:"64"`
}

// Paged asks for a part of a list.
type Paged struct {
	Cursor string `query:"cursor" maxLength:"2000" doc:"next of the part before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

func (p Paged) page() service.Page { return service.Page{Cursor: p.Cursor, Limit: p.Limit} }

// None is an input without anything.
type None struct{}

// Done is an answer without anything to say.
type Done struct {
	Status string `json:"status" example:"done"`
}
