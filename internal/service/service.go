// Package service is what people do with the hub: one method per human act.
// Each checks the permission, decides under the present state, and writes the
// change together with a line of the trail that says who did it. The API and
// the console call the same methods.
package service

import (
	"context"
	"strings"
	"time"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/internal/reach"
	"github.com/atshub/atshub/internal/store"
)

// Permissions beside those of the product file.
const (
	View    = "view"    // see what a tenant has: everyone the product lets in
	Backend = "backend" // the product's backend itself: tenants and keys
)

// Options of New.
type Options struct {
	Store   *store.Store
	Reach   *reach.Reach
	Cadence hub.Cadence
	Now     func() time.Time // default time.Now
}

// Service is safe for concurrent use.
type Service struct {
	store   *store.Store
	reach   *reach.Reach
	cadence hub.Cadence
	now     func() time.Time
}

func New(o Options) *Service {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Service{store: o.Store, reach: o.Reach, cadence: o.Cadence.WithDefaults(), now: o.Now}
}

// need refuses an actor who lacks the permission. Everything begins with it.
func (s *Service) need(a hub.Actor, permission string) error {
	if a.Permissions[permission] {
		return nil
	}
	switch permission {
	case Backend:
		return &hub.Error{Code: hub.CodeForbidden, Message: "only the product's backend may do this, with a key for the whole product and no person named"}
	case View:
		return &hub.Error{Code: hub.CodeForbidden, Message: "this role may not see the tenant"}
	}
	name, holders := permission, []string{}
	if p, ok := s.reach.Products.Get(a.Product); ok {
		name = p.PermissionName(permission)
		for _, r := range p.Roles {
			if p.Allows([]string{r.Name}, permission) {
				holders = append(holders, r.Name)
			}
		}
	}
	e := &hub.Error{Code: hub.CodeForbidden, Message: `this needs the permission "` + name + `"`, Fields: map[string]string{"permission": name}}
	if a.User == "" {
		e.Next = "name the acting person in Atshub-User and the role in Atshub-Role"
	} else if len(holders) > 0 {
		e.Next = "ask someone with the role " + strings.Join(holders, " or ")
	}
	return e
}

// who is the actor as the trail says it.
func who(a hub.Actor) string {
	switch {
	case a.User == "":
		return "backend of " + a.Product
	case a.Role == "":
		return a.User
	}
	return a.User + " (" + a.Role + ")"
}

// human is a line of the trail about what a person did.
func human(a hub.Actor, connection, what string) hub.Trail {
	return hub.Trail{TenantID: a.TenantID, ConnectionID: connection, Kind: hub.TrailHuman, What: what, Verdict: "done", Actor: who(a)}
}

// Page asks for a part of a list; Cursor is the Next of the part before.
type Page struct {
	Cursor string
	Limit  int
}

func (p Page) of() store.Page {
	if p.Limit <= 0 {
		p.Limit = 50
	}
	return store.Page{After: p.Cursor, Limit: min(p.Limit, 200)}
}

// List is a part of a list. Next is empty on the last.
type List[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty" doc:"cursor of the following part; absent on the last"`
}

// listOf is rows as seen from outside, with the cursor after the last of a
// full part.
func listOf[R, V any](p store.Page, rows []R, id func(R) string, view func(R) V) List[V] {
	l := List[V]{Items: make([]V, 0, len(rows))}
	for _, r := range rows {
		l.Items = append(l.Items, view(r))
	}
	if len(rows) == p.Limit {
		l.Next = id(rows[len(rows)-1])
	}
	return l
}

// connection is a connection of the actor's tenant.
func (s *Service) connection(ctx context.Context, a hub.Actor, id string) (c hub.Connection, err error) {
	err = s.store.Read(ctx, func(tx *store.Tx) error {
		c, err = tx.Connection(a.TenantID, id)
		return err
	})
	return c, err
}

// live is a connection whose ATS may be asked.
func (s *Service) live(ctx context.Context, a hub.Actor, id string) (hub.Connection, error) {
	c, err := s.connection(ctx, a, id)
	if err == nil && c.State.Gone() {
		err = errGone()
	}
	return c, err
}

func errGone() error {
	return &hub.Error{Code: hub.CodeConflict, Message: "the integration was uninstalled", Next: "install it again"}
}

func (s *Service) productOf(a hub.Actor) (product.Product, error) { return s.reach.Product(a.Product) }
