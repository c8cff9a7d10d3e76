package hub

import "time"

// Cadence says how often the chores of a connection repeat. The zero value of
// a field is its default; see WithDefaults.
type Cadence struct {
	Check       time.Duration // credential check, default 24 h
	Subscribe   time.Duration // our webhook subscription and its failed deliveries, default 5 min
	ProductPoll time.Duration // the screening product's list of changes, default 1 min
	JobSync     time.Duration // properties and missed changes of a job, default 1 h
	Interviews  time.Duration // interviews of a role, default 10 min
	ImportAll   time.Duration // jobs nobody chose, default 15 min
}

// WithDefaults fills in what is zero.
func (c Cadence) WithDefaults() Cadence {
	for _, f := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&c.Check, 24 * time.Hour}, {&c.Subscribe, 5 * time.Minute}, {&c.ProductPoll, time.Minute},
		{&c.JobSync, time.Hour}, {&c.Interviews, 10 * time.Minute}, {&c.ImportAll, 15 * time.Minute},
	} {
		if *f.field <= 0 {
			*f.field = f.value
		}
	}
	return c
}
