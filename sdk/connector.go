// Package sdk is all that the author of a connector needs, and nothing of the
// hub: the contract a connector fulfils, the ATS model it speaks, the errors it
// answers and the serve loop that turns it into a plugin process.
//
// In order of use: describe the connector in a [Manifest]; return a [Session]
// from Open; implement the ability interfaces the ATS supports; call
// serve.Serve in main; run the suite in sdk/conformance.
//
// Lifecycle: Open, Check, use, Close. A session belongs to one connection at
// one settings revision, is used by many goroutines at once and may be closed
// at any moment between two calls; nothing it holds may be lost by that.
package sdk

import (
	"context"
	"fmt"
)

// Connector is a plugin for one ATS and one way to authenticate. It is also a
// [Prototyper]; serve.Serve refuses one that is not, because its abilities
// could not be told without settings.
type Connector interface {
	// Manifest describes the connector. Pure: no network, no settings, equal
	// at every call.
	Manifest() Manifest
	// Open prepares a session. It does not talk to the ATS; wrong settings are
	// answered with CodeInvalid naming the fields.
	Open(ctx context.Context, s Settings) (Session, error)
}

// Prototyper shows the type of a connector's sessions, so that [Describe] can
// tell the abilities before any connection exists. The value is looked at,
// never called and never closed; a nil pointer of the session's type will do:
//
//	func (Connector) Prototype() sdk.Session { return (*session)(nil) }
type Prototyper interface {
	Prototype() Session
}

// Describe is the manifest of c with Abilities filled in: exactly those rows
// of the table that its sessions implement.
func Describe(c Connector) (Manifest, error) {
	m := c.Manifest()
	p, ok := c.(Prototyper)
	if !ok {
		return m, fmt.Errorf("connector %q has no Prototype method, so its abilities cannot be told", m.Name)
	}
	prototype := p.Prototype()
	if prototype == nil {
		return m, fmt.Errorf("Prototype of connector %q returns no session", m.Name)
	}
	m.Abilities = nil
	for _, b := range Bindings {
		if b.Local(&Abilities{}, prototype) {
			m.Abilities = append(m.Abilities, b.Name())
		}
	}
	return m, nil
}

// Session is a connection being used. Beyond these two methods it implements
// those ability interfaces below that the ATS supports; an ability that is not
// implemented is absent for the hub, never "called to see".
type Session interface {
	// Check tries every permission of the manifest against the live ATS and
	// answers a row for each. A refused credential is not an error of Check:
	// it is told by CheckReport.Credential.
	Check(ctx context.Context, q CheckQuery) (CheckReport, error)
	// Close releases what Open took. Safe to call twice.
	Close() error
}

// Settings is what a connection gives its connector, sent with every call, so
// that a restarted process needs no replay.
type Settings struct {
	ConnectionID string            `json:"connection_id"`
	Revision     int64             `json:"revision"`           // rises with every change of Fields or Secrets
	Endpoint     string            `json:"endpoint,omitempty"` // base URL of the ATS set by the operator; empty = the vendor's own
	Fields       map[string]string `json:"fields,omitempty"`   // non-secret credential fields by Field.Key
	Secrets      map[string]Secret `json:"secrets,omitempty"`  // secret credential fields by Field.Key
}

// Abilities: one method each, all of one shape, so that the transport is one
// table (abilities.go). Reads may be repeated freely; writes say in their own
// comment what makes them safe to repeat.
type (
	// JobLister lists jobs, oldest id first, complete over all pages.
	JobLister interface {
		ListJobs(ctx context.Context, q JobQuery) (Page[Job], error)
	}
	// JobReader reads one job; CodeNotFound if the ATS does not know it.
	JobReader interface {
		ReadJob(ctx context.Context, r JobRef) (Job, error)
	}
	// StageLister lists the stages and sub-stages an application of the job can be in.
	StageLister interface {
		ListStages(ctx context.Context, r JobRef) (List[Stage], error)
	}
	// ApplicationLister lists the applications of a job, each with its true
	// stage *in that job*.
	ApplicationLister interface {
		ListApplications(ctx context.Context, q ApplicationQuery) (Page[Application], error)
	}
	// ApplicationReader reads one application. Either Ref.ID or the pair
	// CandidateID and JobID must be given.
	ApplicationReader interface {
		ReadApplication(ctx context.Context, r ApplicationRef) (Application, error)
	}
	// StageHistoryReader reads every stage change of an application, oldest first.
	StageHistoryReader interface {
		ReadStageHistory(ctx context.Context, r ApplicationRef) (List[StageChange], error)
	}
	// StageMover moves an application. Compare-and-set on From as far as the
	// ATS allows: the current stage is read first; if it is To the answer is
	// MoveAlreadyThere, if it is neither To nor From, MovePrecondition.
	StageMover interface {
		MoveStage(ctx context.Context, m StageMove) (MoveResult, error)
	}
	// ReviewLister lists the reviews of an application, by whomever written.
	ReviewLister interface {
		ListReviews(ctx context.Context, r ApplicationRef) (List[Review], error)
	}
	// ReviewWriter creates (ReviewWrite.ID empty) or updates a review. Not
	// safe to repeat after CodeOutcomeUnknown: list first.
	ReviewWriter interface {
		WriteReview(ctx context.Context, w ReviewWrite) (Review, error)
	}
	// ReviewDeleter deletes a review; deleting an absent one succeeds.
	ReviewDeleter interface {
		DeleteReview(ctx context.Context, r ReviewRef) (Done, error)
	}
	// InterviewLister lists the interviews of one application with all sessions.
	InterviewLister interface {
		ListInterviews(ctx context.Context, r ApplicationRef) (List[Interview], error)
	}
	// InterviewReader reads one interview; CodeNotFound once it is cancelled.
	InterviewReader interface {
		ReadInterview(ctx context.Context, r InterviewRef) (Interview, error)
	}
	// UserLister lists the users of the ATS.
	UserLister interface {
		ListUsers(ctx context.Context, q UserQuery) (Page[User], error)
	}
	// WebhookParser turns a verified delivery into events. No network. The
	// same delivery always yields the same Event.Key.
	WebhookParser interface {
		ParseWebhook(ctx context.Context, d Delivery) (List[Event], error)
	}
	// WebhookSubscriber registers callbacks at the ATS. Subscribe creates an
	// inactive subscription with a signing secret; Activate makes the ATS call
	// the callback URL (the hub answers the handshake) and returns once it is
	// active. Unsubscribing an absent subscription succeeds.
	WebhookSubscriber interface {
		Subscribe(ctx context.Context, r SubscribeRequest) (Subscription, error)
		Activate(ctx context.Context, r SubscriptionRef) (Done, error)
		ListSubscriptions(ctx context.Context, q SubscriptionQuery) (List[Subscription], error)
		Unsubscribe(ctx context.Context, r SubscriptionRef) (Done, error)
	}
	// DeliveryLister lists what the ATS says it sent to a subscription,
	// newest first, so that failed deliveries can be made up for.
	DeliveryLister interface {
		ListDeliveries(ctx context.Context, q DeliveryQuery) (Page[DeliveryRecord], error)
	}
)
