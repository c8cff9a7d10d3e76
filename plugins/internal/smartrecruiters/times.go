package smartrecruiters

// Small shapes many answers share.

import (
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// instant is a time of an answer: ISO 8601 with an offset, with or without a
// colon. One without an offset is refused, because it could be any instant.
type instant struct{ time.Time }

func (i *instant) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			i.Time = t.UTC()
			return nil
		}
	}
	return errors.New("not a time")
}

// pointer is the time for the model, nil when unknown.
func (i *instant) pointer() *time.Time {
	if i == nil || i.IsZero() {
		return nil
	}
	t := i.Time
	return &t
}

// boundary is a lower bound for an updatedAfter parameter. A second is taken
// off: whether the vendor's bound is inclusive is not known, and a record seen
// twice is harmless.
func boundary(t time.Time) string {
	return t.UTC().Add(-time.Second).Format("2006-01-02T15:04:05.000Z")
}

type location struct {
	City    string `json:"city"`
	Region  string `json:"region"`
	Country string `json:"country"`
	Remote  bool   `json:"remote"`
}

func (l *location) String() string {
	if l == nil {
		return ""
	}
	var parts []string
	for _, p := range []string{l.City, l.Region, l.Country} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	if l.Remote {
		parts = append(parts, "remote")
	}
	return strings.Join(parts, ", ")
}
