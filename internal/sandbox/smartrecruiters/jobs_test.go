// /jobs: the paging trap and its cure.

package smartrecruiters

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// crawl follows nextPageId and returns the ids seen, in order.
func (w *world) crawl(path, query string) []string {
	w.t.Helper()
	var all []string
	next := ""
	for range 100 {
		var page struct {
			NextPageID *string
			TotalFound int
			Content    []struct{ ID string }
		}
		r := w.do("GET", path+"?"+query+next, nil)
		require.Equal(w.t, 200, r.status, r.body)
		r.json(w.t, &page)
		for _, one := range page.Content {
			all = append(all, one.ID)
		}
		if page.NextPageID == nil || *page.NextPageID == "" {
			require.Empty(w.t, r.header.Get("Link"))
			return all
		}
		require.Contains(w.t, r.header.Get("Link"), `rel="next"`)
		next = "&pageId=" + url.QueryEscape(*page.NextPageID)
	}
	w.t.Fatal("paging does not end")
	return nil
}

func TestPageIDWithoutSortByJobIDLosesJobs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	want := map[string]bool{w.job: true}
	for i := range 24 {
		w.clock.advance(time.Minute)
		want[w.co.AddJob(Job{Title: fmt.Sprint("Job ", i)})] = true
	}
	set := func(ids []string) map[string]bool {
		all := map[string]bool{}
		for _, id := range ids {
			all[id] = true
		}
		return all
	}
	complete := w.crawl("/jobs", "sort=job_id&limit=7")
	require.Len(t, complete, 25)
	require.Equal(t, want, set(complete))

	lossy := w.crawl("/jobs", "limit=7")
	require.Less(t, len(set(lossy)), 25, "the default sort with a pageId loses jobs")
	require.Equal(t, lossy, w.crawl("/jobs", "limit=7"), "always the same ones")
	require.Less(t, len(set(w.crawl("/jobs", ""))), 25, "limit is 10 when not given")
}

func TestPageIDsMustBeEncodedAndValid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.co.AddJob(Job{Title: "Second"})
	var page struct{ NextPageID string }
	w.do("GET", "/jobs?sort=job_id&limit=1", nil).json(t, &page)
	require.Contains(t, page.NextPageID, "+")
	require.Equal(t, 200, w.do("GET", "/jobs?sort=job_id&limit=1&pageId="+url.QueryEscape(page.NextPageID), nil).status)
	for _, bad := range []string{page.NextPageID, "x", url.QueryEscape(encodeCursor("candidate", w.job))} {
		r := w.do("GET", "/jobs?sort=job_id&limit=1&pageId="+bad, nil)
		require.Equal(t, 400, r.status)
		require.Contains(t, r.body, "INVALID_PAGE_ID")
	}
	require.Equal(t, 400, w.do("GET", "/jobs?limit=101", nil).status)
}

func TestLastPageSometimesCarriesAnEmptyPageID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	seen := map[bool]bool{}
	for range 2 {
		var page map[string]any
		w.do("GET", "/jobs", nil).json(t, &page)
		value, there := page["nextPageId"]
		require.True(t, !there || value == "")
		seen[there] = true
	}
	require.Len(t, seen, 2)
}

func TestNoJobNamesItsHiringProcess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	process := w.co.AddHiringProcess(HiringProcess{Name: "Short"})
	job := w.co.AddJob(Job{Title: "Sales", Process: process})
	require.NotContains(t, w.do("GET", "/jobs/"+job, nil).body, process)
	require.Contains(t, w.do("GET", "/configuration/hiring-processes", nil).body, process)
}
