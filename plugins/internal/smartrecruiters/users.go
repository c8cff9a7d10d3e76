package smartrecruiters

// Users.

import (
	"context"
	"net/url"
	"strconv"
	"strings"

	"github.com/atshub/atshub/sdk"
)

// Users can list the users of the company.
type Users struct{ c *Client }

// NewUsers is the group of c.
func NewUsers(c *Client) Users { return Users{c} }

type user struct {
	ID         string `json:"id"`
	FirstName  string `json:"firstName"`
	LastName   string `json:"lastName"`
	Email      string `json:"email"`
	Active     bool   `json:"active"`
	SystemRole struct {
		ID string `json:"id"`
	} `json:"systemRole"`
}

func (u user) name() string { return strings.TrimSpace(u.FirstName + " " + u.LastName) }

// roles holds the one system role that means the same elsewhere. The others
// (STANDARD, EXTENDED, RESTRICTED, EMPLOYEE) say what a user may do, not what
// a user is.
var roles = map[string]string{"ADMINISTRATOR": "admin"}

// ListUsers implements sdk.UserLister.
func (u Users) ListUsers(ctx context.Context, q sdk.UserQuery) (sdk.Page[sdk.User], error) {
	const list = "users"
	none := sdk.Page[sdk.User]{}
	pageID, err := unseal(list, q.Cursor)
	if err != nil {
		return none, err
	}
	if q.Limit < 0 || q.Limit > 100 {
		return none, invalid("limit", "the limit must be between 1 and 100")
	}
	if q.Limit == 0 {
		q.Limit = 100
	}
	query := url.Values{"limit": {strconv.Itoa(q.Limit)}}
	if pageID != "" {
		query.Set("pageId", pageID)
	}
	p, r, err := get[page[user]](ctx, u.c, "users_read", usersAPI+"/users", query)
	users, err := content(p, r, err)
	if err != nil {
		return none, err
	}
	next, ok := following(list, pageID, p.Next)
	if !ok {
		return none, r.Nonsense()
	}
	items := make([]sdk.User, 0, len(users))
	for _, one := range users {
		if one.ID == "" {
			return none, r.Nonsense()
		}
		items = append(items, sdk.User{ID: one.ID, FirstName: one.FirstName, LastName: one.LastName, Email: one.Email,
			Active: one.Active, Role: enum(roles, one.SystemRole.ID)})
	}
	return sdk.Page[sdk.User]{Items: items, Next: next}, nil
}

// whoAmI is the user the credential acts as.
func (c *Client) whoAmI(ctx context.Context) (user, error) {
	return c.me.get(ctx, fresh, func(ctx context.Context) (user, error) {
		u, r, err := get[user](ctx, c, "user_me_read", usersAPI+"/users/me", nil)
		if err == nil && u.ID == "" {
			err = r.Nonsense()
		}
		return u, err
	})
}
