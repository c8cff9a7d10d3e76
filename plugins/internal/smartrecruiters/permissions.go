package smartrecruiters

// The permissions of the connectors: what each is for, and how it is tried
// without writing anything.

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"

	"github.com/atshub/atshub/sdk"
	"github.com/atshub/atshub/sdk/httpclient"
)

// right is one scope: which abilities need it, what people lose without it and
// the request that tries it.
type right struct {
	neededBy []string
	serves   string
	probe    func(context.Context, *probe) error // nil = cannot be tried without writing
}

// probe is a running check: ids that exist where a list gave them, else ids
// that name nothing.
type probe struct {
	c              *Client
	candidate, job string
	me             string
}

func (p *probe) get(ctx context.Context, permission, path string, query url.Values) error {
	_, err := p.c.http.Do(ctx, httpclient.Request{Path: path, Query: query, Permission: permission})
	return err
}

// refusedWrite sends a write about things that do not exist: it is answered
// 404 when permitted, 403 when not, and changes nothing either way.
func (p *probe) refusedWrite(ctx context.Context, permission, method, path string, body any) error {
	_, err := p.c.http.Do(ctx, httpclient.Request{Method: method, Path: path, Body: body, Permission: permission, OK: []int{http.StatusNoContent}})
	return err
}

var one = url.Values{"limit": {"1"}}

var rights = map[string]right{
	"candidates_read": {[]string{"list_applications", "read_application", "list_interviews", "move_stage"},
		"seeing candidates and the stage they are in",
		func(ctx context.Context, p *probe) error { return p.candidates(ctx) }},
	"candidates_manage": {[]string{"move_stage"}, "moving candidates to another stage",
		func(ctx context.Context, p *probe) error {
			return p.refusedWrite(ctx, "candidates_manage", http.MethodPut, "/candidates/"+noID()+"/jobs/"+noID()+"/status", map[string]string{"status": "NEW"})
		}},
	"candidate_status_read": {[]string{"read_stage_history"}, "knowing which stages a candidate has been in",
		func(ctx context.Context, p *probe) error {
			return p.get(ctx, "candidate_status_read", "/candidates/"+p.candidate+"/jobs/"+p.job+"/status/history", nil)
		}},
	"candidates_create": {nil, "adding candidates (nothing here does)", nil},
	"job_applications_read": {[]string{"read_application", "read_stage_history", "list_reviews"}, "finding the candidate behind an application that SmartRecruiters reports by its id alone",
		func(ctx context.Context, p *probe) error {
			return p.get(ctx, "job_applications_read", applicationsAPI+"/job-applications/"+noID(), nil)
		}},
	"configuration_read": {[]string{"list_stages"}, "choosing stages and sub-stages",
		func(ctx context.Context, p *probe) error {
			return p.get(ctx, "configuration_read", "/configuration/hiring-processes", nil)
		}},
	"jobs_read": {[]string{"list_jobs", "read_job", "list_stages"}, "choosing jobs and keeping their details up to date",
		func(ctx context.Context, p *probe) error { return p.get(ctx, "jobs_read", "/jobs", one) }},
	"user_me_read": {[]string{"write_review", "delete_review"}, "telling our reviews from those people wrote, so that theirs are left alone",
		func(ctx context.Context, p *probe) error {
			return p.get(ctx, "user_me_read", usersAPI+"/users/me", nil)
		}},
	"reviews_read": {[]string{"list_reviews", "write_review"}, "seeing the reviews of a candidate before writing one",
		func(ctx context.Context, p *probe) error {
			return p.get(ctx, "reviews_read", reviewsAPI+"/reviews", url.Values{"candidateId": {p.candidate}, "jobId": {p.job}})
		}},
	"reviews_write": {[]string{"write_review", "delete_review"}, "writing results as reviews",
		func(ctx context.Context, p *probe) error {
			return p.refusedWrite(ctx, reviewsWrite, http.MethodPatch, reviewPath(noID()), map[string]string{"reviewerId": p.me})
		}},
	webhooksManage: {[]string{"subscribe", "activate", "list_subscriptions", "unsubscribe", "list_deliveries"}, "hearing of changes at once instead of by asking now and then",
		func(ctx context.Context, p *probe) error {
			return p.get(ctx, webhooksManage, webhooksAPI+"/subscriptions", one)
		}},
	"interviews_read": {[]string{"list_interviews", "read_interview"}, "seeing interviews, so that they can be joined",
		func(ctx context.Context, p *probe) error {
			return p.get(ctx, interviewsRead, interviewsAPI+"/interviews", url.Values{"applicationId": {noID()}})
		}},
	"interviews_write": {nil, "changing interviews (nothing here does)",
		func(ctx context.Context, p *probe) error {
			return p.refusedWrite(ctx, "interviews_write", http.MethodPatch, interviewsAPI+"/interviews/"+noID(), map[string]string{"timezone": "UTC"})
		}},
	"interview_types_read": {nil, "naming the kinds of interviews (nothing here does)",
		func(ctx context.Context, p *probe) error {
			return p.get(ctx, "interview_types_read", interviewsAPI+"/interview-types", nil)
		}},
	"users_read": {[]string{"list_users"}, "naming the interviewers",
		func(ctx context.Context, p *probe) error { return p.get(ctx, "users_read", usersAPI+"/users", one) }},
}

// candidates tries the list and keeps the ids of one application for the
// probes that are surer with things that exist.
func (p *probe) candidates(ctx context.Context) error {
	list, r, err := httpclient.JSON[page[candidate]](ctx, p.c.http, httpclient.Request{Path: "/candidates", Query: one, Family: candidatesList, Permission: "candidates_read"})
	found, err := content(list, r, err)
	if err == nil && len(found) > 0 && found[0].Primary != nil && found[0].ID != "" && found[0].Primary.Job.ID != "" {
		p.candidate, p.job = url.PathEscape(found[0].ID), url.PathEscape(found[0].Primary.Job.ID)
	}
	return err
}

// noID is a fresh random UUID: it names nothing anywhere.
func noID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Permissions describes scopes for a manifest: each under the name the
// customer guide of the connector gives it, with the abilities of the
// connector's session that stop without it. Remedy is a sentence with %s for
// the name.
func Permissions(session sdk.Session, remedy string, scopes ...[2]string) []sdk.Permission {
	has := map[string]bool{}
	for _, b := range sdk.Bindings {
		has[b.Name()] = b.Local(&sdk.Abilities{}, session)
	}
	var all []sdk.Permission
	for _, s := range scopes {
		key, name := s[0], s[1]
		p := sdk.Permission{Key: key, Name: name, Serves: rights[key].serves, Remedy: fmt.Sprintf(remedy, name), NeededBy: []string{}}
		for _, ability := range rights[key].neededBy {
			if has[ability] {
				p.NeededBy = append(p.NeededBy, ability)
			}
		}
		all = append(all, p)
	}
	return all
}
