package worker

import (
	"context"
	"fmt"
	"time"

	"github.com/atshub/atshub/internal/hub"
)

// Row says how one kind of work is run.
type Row struct {
	Kind hub.WorkKind
	// Timeout bounds Run; its context ends then.
	Timeout time.Duration
	// Run does the work. Returning nil it has ended the claim itself, in its
	// last transaction, with tx.FinishWork(w). Returning an error it has left
	// the claim open, and the frame decides when the work is taken up again.
	// Its context also ends when the claim is lost; whatever it then still
	// writes is refused by FinishWork.
	Run func(ctx context.Context, w hub.Work) error
	// Park settles work that will not succeed by itself, so that a person can
	// decide, and ends the claim in the same transaction with
	// tx.FinishWork(w). Without Park the work is tried for ever, ever slower;
	// so is work that repeats.
	Park func(ctx context.Context, w hub.Work, reason string) error
}

// table finds the row of a kind.
type table map[hub.WorkKind]Row

func newTable(rows []Row) (table, error) {
	t := table{}
	for _, r := range rows {
		switch _, twice := t[r.Kind]; {
		case twice:
			return nil, fmt.Errorf("work kind %q has two rows", r.Kind)
		case r.Run == nil || r.Timeout <= 0:
			return nil, fmt.Errorf("work kind %q has no Run or no Timeout", r.Kind)
		}
		t[r.Kind] = r
	}
	return t, nil
}
