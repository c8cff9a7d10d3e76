package smartrecruiters

// Jobs.

import (
	"context"
	"net/url"
	"strconv"

	"github.com/atshub/atshub/sdk"
)

// Core is what every SmartRecruiters session can do.
type Core struct{ *Client }

// job is an item of GET /jobs and the answer of GET /jobs/{id}.
type job struct {
	ID         string `json:"id"`
	Title      string `json:"title"`
	RefNumber  string `json:"refNumber"`
	Status     string `json:"status"`
	Department *struct {
		Label string `json:"label"`
	} `json:"department"`
	Location  *location `json:"location"`
	CreatedOn *instant  `json:"createdOn"`
	UpdatedOn *instant  `json:"updatedOn"`
}

// jobStatuses are of the jobs API alone; other APIs use some of these words
// for other things.
var jobStatuses = map[string]string{
	"CREATED":   sdk.JobDraft,
	"SOURCING":  sdk.JobOpen,
	"INTERVIEW": sdk.JobOpen,
	"OFFER":     sdk.JobOpen,
	"ON_HOLD":   sdk.JobOnHold,
	"FILLED":    sdk.JobClosed,
	"CANCELLED": sdk.JobClosed,
}

func enum(table map[string]string, source string) sdk.Enum {
	if v, ok := table[source]; ok {
		return sdk.Enum{Value: v, Source: source}
	}
	return sdk.Enum{Value: sdk.Unmapped, Source: source}
}

func (j job) model() sdk.Job {
	m := sdk.Job{ID: j.ID, Name: j.Title, Code: j.RefNumber, Status: enum(jobStatuses, j.Status), Location: j.Location.String(),
		UpdatedAt: j.UpdatedOn.pointer(), CreatedAt: j.CreatedOn.pointer()}
	if j.Department != nil {
		m.Department = j.Department.Label
	}
	return m
}

// ListJobs implements sdk.JobLister. The status is filtered here: one of ours
// is several of the vendor's, and its API takes only one.
func (c Core) ListJobs(ctx context.Context, q sdk.JobQuery) (sdk.Page[sdk.Job], error) {
	const list = "jobs"
	none := sdk.Page[sdk.Job]{}
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
	// Only sorted by id are the pages complete.
	query := url.Values{"sort": {"job_id"}, "limit": {strconv.Itoa(q.Limit)}}
	if q.Search != "" {
		query.Set("q", q.Search)
	}
	if q.UpdatedSince != nil {
		query.Set("updatedAfter", boundary(*q.UpdatedSince))
	}
	if pageID != "" {
		query.Set("pageId", pageID)
	}
	p, r, err := get[page[job]](ctx, c.Client, "jobs_read", "/jobs", query)
	jobs, err := content(p, r, err)
	if err != nil {
		return none, err
	}
	next, ok := following(list, pageID, p.Next)
	if !ok {
		return none, r.Nonsense()
	}
	items := make([]sdk.Job, 0, len(jobs))
	for _, j := range jobs {
		if j.ID == "" {
			return none, r.Nonsense()
		}
		if m := j.model(); q.Status == "" || m.Status.Value == q.Status {
			items = append(items, m)
		}
	}
	return sdk.Page[sdk.Job]{Items: items, Next: next}, nil
}

// ReadJob implements sdk.JobReader.
func (c Core) ReadJob(ctx context.Context, ref sdk.JobRef) (sdk.Job, error) {
	if ref.ID == "" {
		return sdk.Job{}, invalid("id", "the job's id is missing")
	}
	j, r, err := get[job](ctx, c.Client, "jobs_read", "/jobs/"+url.PathEscape(ref.ID), nil)
	if err != nil {
		return sdk.Job{}, err
	}
	if j.ID != ref.ID {
		return sdk.Job{}, r.Nonsense()
	}
	return j.model(), nil
}
