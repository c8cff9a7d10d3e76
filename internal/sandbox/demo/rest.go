package demo

// rest.go: the hub's public API, as a product's backend calls it: plain HTTP
// and JSON.

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// caller is a product's backend; with a user it acts for that person.
type caller struct {
	client     *http.Client
	base, key  string
	user, role string
}

// as is the backend acting for a person in a role.
func (c caller) as(user, role string) caller {
	c.user, c.role = user, role
	return c
}

// refusal is what the hub answers when it does not do something.
type refusal struct {
	Status int               `json:"status"`
	Code   string            `json:"code"`
	Detail string            `json:"detail"`
	Next   string            `json:"next"`
	Fields map[string]string `json:"fields"`
}

func (r *refusal) Error() string {
	text := fmt.Sprintf("%d %s: %s", r.Status, r.Code, r.Detail)
	for name, problem := range r.Fields {
		text += "; " + name + ": " + problem
	}
	return text
}

// call sends one request. Writes carry a fresh Idempotency-Key unless the
// context names one.
func (c caller) call(ctx context.Context, method, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, 40*time.Second)
	defer cancel()
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if method != http.MethodGet {
		req.Header.Set("Idempotency-Key", keyOf(ctx))
	}
	if c.user != "" {
		req.Header.Set("Atshub-User", c.user)
		req.Header.Set("Atshub-Role", c.role)
	}
	res, err := c.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		r := &refusal{Status: res.StatusCode}
		if json.Unmarshal(answer, r) != nil {
			r.Detail = strings.TrimSpace(string(answer))
		}
		return r
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}

type onceKey struct{}

// pressing makes every write under the context one and the same press of a
// button.
func pressing(ctx context.Context) context.Context {
	return context.WithValue(ctx, onceKey{}, rand.Text())
}

func keyOf(ctx context.Context) string {
	if key, ok := ctx.Value(onceKey{}).(string); ok {
		return key
	}
	return rand.Text()
}

// What the demo reads of the answers.

type list[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
}

type connectionView struct {
	ID      string `json:"id"`
	State   string `json:"state"`
	Problem string `json:"problem"`
	Check   struct {
		Rows []checkRow `json:"rows"`
	} `json:"check"`
	Credentials []struct {
		Name  string `json:"name"`
		Value string `json:"value"`
		Hint  string `json:"hint"`
	} `json:"credentials"`
	CaptureMode string `json:"capture_mode"`
	Webhooks    struct {
		State   string `json:"state"`
		Problem string `json:"problem"`
	} `json:"webhooks"`
	UninstallSteps []struct {
		What   string `json:"what"`
		Result string `json:"result"`
		Detail string `json:"detail"`
	} `json:"uninstall_steps"`
}

type checkRow struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	Serves string `json:"serves"`
	Remedy string `json:"remedy"`
	// Optional ones are no part of the guides.
	Optional bool `json:"optional"`
}

type jobView struct {
	ID string `json:"id"`
}

type stageView struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	ParentID string `json:"parent_id"`
}

type trigger struct {
	Kind          string `json:"kind"`
	Status        string `json:"status,omitempty"`
	StageID       string `json:"stage_id"`
	AllowTerminal bool   `json:"allow_terminal,omitempty"`
}

type planView struct {
	ID      string `json:"id"`
	Content struct {
		Candidates struct {
			Rows []struct {
				CandidateID string `json:"candidate_id"`
				Name        string `json:"name"`
				Verdict     string `json:"verdict"`
			} `json:"rows"`
			WouldInvite int `json:"would_invite"`
		} `json:"candidates"`
		Cascade struct {
			Findings []struct {
				Kind string `json:"kind"`
				Text string `json:"text"`
			} `json:"findings"`
		} `json:"cascade"`
		Sessions struct {
			Rows []struct {
				Title     string    `json:"title"`
				StartsAt  time.Time `json:"starts_at"`
				Timezone  string    `json:"timezone"`
				Readiness string    `json:"readiness"`
				Reason    string    `json:"reason"`
			} `json:"rows"`
			WouldJoin int `json:"would_join"`
		} `json:"sessions"`
		Activates map[string]bool `json:"activates"`
	} `json:"content"`
}

type activatedView struct {
	Links     []linkView   `json:"job_links"`
	Actions   []actionView `json:"actions"`
	LeftAlone int          `json:"left_alone"`
}

type linkView struct {
	ID             string `json:"id"`
	JobName        string `json:"job_name"`
	State          string `json:"state"`
	CalibrationURL string `json:"calibration_url"`
}

type actionView struct {
	ID     string `json:"id"`
	Reason string `json:"reason"`
}

type offView struct {
	Cancelled      []string `json:"cancelled"`
	CancelledJoins []string `json:"joins_being_cancelled"`
}

type syncView struct {
	ID      string `json:"id"`
	State   string `json:"state"`
	Problem string `json:"problem"`
	Summary struct {
		JobChanged   bool `json:"job_changed"`
		Applications int  `json:"applications_read"`
		Missed       int  `json:"missed_changes_found"`
	} `json:"summary"`
}

type eventView struct {
	Source      string `json:"source"`
	SourceName  string `json:"source_name"`
	Disposition string `json:"disposition"`
}

type interviewView struct {
	InterviewID string `json:"interview_id"`
	Readiness   string `json:"readiness"`
	Reason      string `json:"reason"`
}

type explanation struct {
	Actions []actionView `json:"actions"`
	Trail   []trailLine  `json:"trail"`
}

type trailLine struct {
	Verdict string `json:"verdict"`
	Detail  string `json:"detail"`
}

// why is the last reason the hub gave for leaving alone.
func (e explanation) why() string {
	for i := len(e.Trail) - 1; i >= 0; i-- {
		if l := e.Trail[i]; l.Verdict == "no" && l.Detail != "" {
			return l.Detail
		}
	}
	for _, a := range e.Actions {
		if a.Reason != "" {
			return a.Reason
		}
	}
	return ""
}
