// /configuration and the users API.

package smartrecruiters

import (
	"net/http"
	"slices"
	"strings"
)

func getCompany(c *call) answer {
	return reply(http.StatusOK, obj{"identifier": c.co.ID, "name": c.co.Name})
}

func processObj(p *HiringProcess) obj {
	return obj{"id": p.ID, "name": p.Name, "active": !p.Inactive, "subStatuses": obj{
		"IN_REVIEW": append([]string{}, p.InReview...),
		"INTERVIEW": append([]string{}, p.Interview...),
		"OFFERED":   append([]string{}, p.Offered...),
	}}
}

// listProcesses does not say which process is the default, nor which job uses which.
func listProcesses(c *call) answer {
	content := []obj{}
	for _, p := range c.co.processes {
		content = append(content, processObj(p))
	}
	return reply(http.StatusOK, obj{"totalFound": len(content), "content": content})
}

func getProcess(c *call) answer {
	p := c.co.process(c.r.PathValue("id"))
	if p == nil {
		return fail(http.StatusNotFound, "HIRING_PROCESS_NOT_FOUND", "Hiring process not found")
	}
	return reply(http.StatusOK, processObj(p))
}

func listRejectionReasons(c *call) answer  { return reasonList(c.co.rejections) }
func listWithdrawalReasons(c *call) answer { return reasonList(c.co.withdrawals) }

func reasonList(reasons []reason) answer {
	content := []obj{}
	for _, r := range reasons {
		content = append(content, obj{"id": r.id, "label": r.label})
	}
	return reply(http.StatusOK, obj{"totalFound": len(content), "content": content})
}

func userObj(u *User) obj {
	return obj{
		"id": u.ID, "email": u.Email, "firstName": u.FirstName, "lastName": u.LastName,
		"systemRole": obj{"id": u.Role}, "ssoLoginMode": nil, "language": obj{"code": "en"},
		"active": !u.Inactive, "updatedOn": stamp(u.updatedOn), "accessGroups": []obj{}, "seats": []any{},
	}
}

// listUsers has no totalFound and a default limit of 100.
func listUsers(c *call) answer {
	q := c.r.URL.Query()
	limit, ok := c.limit(100)
	updated, ok2 := c.timeParam("updatedAfter")
	if text := q.Get("q"); !ok || !ok2 || q.Has("q") && len(text) < 3 {
		return badRequest("invalid query parameter")
	}
	users := slices.Clone(c.co.users)
	slices.SortFunc(users, func(a, b *User) int { return strings.Compare(a.ID, b.ID) })
	after := ""
	if q.Has("pageId") {
		if after, ok = decodeCursor("user", q.Get("pageId")); !ok {
			return invalidPageID()
		}
	}
	users = slices.DeleteFunc(users, func(u *User) bool {
		return u.ID <= after || !u.updatedOn.After(updated) || !containsFold(u.FirstName+" "+u.LastName+" "+u.Email, q.Get("q"))
	})
	page, cursor := cut(users, limit, "user", func(u *User) string { return u.ID })
	content := []obj{}
	for _, u := range page {
		content = append(content, userObj(u))
	}
	return c.page(obj{"limit": limit, "content": content}, cursor)
}

// getMe answers the user the credential acts as.
func getMe(c *call) answer { return reply(http.StatusOK, userObj(c.co.user(c.cred.user))) }

func getUser(c *call) answer {
	u := c.co.user(c.r.PathValue("id"))
	if u == nil {
		return fail(http.StatusNotFound, "USER_NOT_FOUND", "User not found")
	}
	return reply(http.StatusOK, userObj(u))
}
