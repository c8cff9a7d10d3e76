package sdk

import "context"

// Call is the one shape every ability has.
type Call[Q, R any] func(context.Context, Q) (R, error)

// Abilities is a session as its users see it, in process or over the wire: a
// func per ability, nil where the connector does not have it. Test for nil,
// never call to see.
type Abilities struct {
	Check             Call[CheckQuery, CheckReport]
	ListJobs          Call[JobQuery, Page[Job]]
	ReadJob           Call[JobRef, Job]
	ListStages        Call[JobRef, List[Stage]]
	ListApplications  Call[ApplicationQuery, Page[Application]]
	ReadApplication   Call[ApplicationRef, Application]
	ReadStageHistory  Call[ApplicationRef, List[StageChange]]
	MoveStage         Call[StageMove, MoveResult]
	ListReviews       Call[ApplicationRef, List[Review]]
	WriteReview       Call[ReviewWrite, Review]
	DeleteReview      Call[ReviewRef, Done]
	ListInterviews    Call[ApplicationRef, List[Interview]]
	ReadInterview     Call[InterviewRef, Interview]
	ListUsers         Call[UserQuery, Page[User]]
	ParseWebhook      Call[Delivery, List[Event]]
	Subscribe         Call[SubscribeRequest, Subscription]
	Activate          Call[SubscriptionRef, Done]
	ListSubscriptions Call[SubscriptionQuery, List[Subscription]]
	Unsubscribe       Call[SubscriptionRef, Done]
	ListDeliveries    Call[DeliveryQuery, Page[DeliveryRecord]]
}

// Binding is one row of the table: an ability by its wire name, where it lives
// in Abilities, and how it is found in a Session. The transport and the
// conformance suite walk the rows; a new ability is one interface, one field,
// one row.
type Binding interface {
	// Name is the wire name, stable for ever.
	Name() string
	// Write tells that the ability changes the ATS, so that the host never
	// repeats it by itself.
	Write() bool
	// Local puts the session's method into a, if the session has it.
	Local(a *Abilities, s Session) bool
	// Remote puts a func into a that sends the call through r.
	Remote(a *Abilities, r Remote)
	// Wrap puts around's two halves before and after the func in a, if it is there.
	Wrap(a *Abilities, around Around)
	// Serve answers one encoded call with the func in a; CodeUnsupported when nil.
	Serve(ctx context.Context, a *Abilities, request []byte) ([]byte, error)
}

// Around is told that a call of an ability begins; what it returns is told how
// the call ended.
type Around func(ctx context.Context, name string) func(error)

// Remote sends one encoded call by wire name and returns the encoded answer or
// an *Error.
type Remote func(ctx context.Context, name string, write bool, request []byte) ([]byte, error)

// Bindings is the table.
var Bindings = []Binding{
	read("check", func(a *Abilities) *Call[CheckQuery, CheckReport] { return &a.Check },
		func(s Session) Call[CheckQuery, CheckReport] { return s.Check }),
	read("list_jobs", func(a *Abilities) *Call[JobQuery, Page[Job]] { return &a.ListJobs },
		method(func(s JobLister) Call[JobQuery, Page[Job]] { return s.ListJobs })),
	read("read_job", func(a *Abilities) *Call[JobRef, Job] { return &a.ReadJob },
		method(func(s JobReader) Call[JobRef, Job] { return s.ReadJob })),
	read("list_stages", func(a *Abilities) *Call[JobRef, List[Stage]] { return &a.ListStages },
		method(func(s StageLister) Call[JobRef, List[Stage]] { return s.ListStages })),
	read("list_applications", func(a *Abilities) *Call[ApplicationQuery, Page[Application]] { return &a.ListApplications },
		method(func(s ApplicationLister) Call[ApplicationQuery, Page[Application]] { return s.ListApplications })),
	read("read_application", func(a *Abilities) *Call[ApplicationRef, Application] { return &a.ReadApplication },
		method(func(s ApplicationReader) Call[ApplicationRef, Application] { return s.ReadApplication })),
	read("read_stage_history", func(a *Abilities) *Call[ApplicationRef, List[StageChange]] { return &a.ReadStageHistory },
		method(func(s StageHistoryReader) Call[ApplicationRef, List[StageChange]] { return s.ReadStageHistory })),
	write("move_stage", func(a *Abilities) *Call[StageMove, MoveResult] { return &a.MoveStage },
		method(func(s StageMover) Call[StageMove, MoveResult] { return s.MoveStage })),
	read("list_reviews", func(a *Abilities) *Call[ApplicationRef, List[Review]] { return &a.ListReviews },
		method(func(s ReviewLister) Call[ApplicationRef, List[Review]] { return s.ListReviews })),
	write("write_review", func(a *Abilities) *Call[ReviewWrite, Review] { return &a.WriteReview },
		method(func(s ReviewWriter) Call[ReviewWrite, Review] { return s.WriteReview })),
	write("delete_review", func(a *Abilities) *Call[ReviewRef, Done] { return &a.DeleteReview },
		method(func(s ReviewDeleter) Call[ReviewRef, Done] { return s.DeleteReview })),
	read("list_interviews", func(a *Abilities) *Call[ApplicationRef, List[Interview]] { return &a.ListInterviews },
		method(func(s InterviewLister) Call[ApplicationRef, List[Interview]] { return s.ListInterviews })),
	read("read_interview", func(a *Abilities) *Call[InterviewRef, Interview] { return &a.ReadInterview },
		method(func(s InterviewReader) Call[InterviewRef, Interview] { return s.ReadInterview })),
	read("list_users", func(a *Abilities) *Call[UserQuery, Page[User]] { return &a.ListUsers },
		method(func(s UserLister) Call[UserQuery, Page[User]] { return s.ListUsers })),
	read("parse_webhook", func(a *Abilities) *Call[Delivery, List[Event]] { return &a.ParseWebhook },
		method(func(s WebhookParser) Call[Delivery, List[Event]] { return s.ParseWebhook })),
	write("subscribe", func(a *Abilities) *Call[SubscribeRequest, Subscription] { return &a.Subscribe },
		method(func(s WebhookSubscriber) Call[SubscribeRequest, Subscription] { return s.Subscribe })),
	write("activate", func(a *Abilities) *Call[SubscriptionRef, Done] { return &a.Activate },
		method(func(s WebhookSubscriber) Call[SubscriptionRef, Done] { return s.Activate })),
	read("list_subscriptions", func(a *Abilities) *Call[SubscriptionQuery, List[Subscription]] { return &a.ListSubscriptions },
		method(func(s WebhookSubscriber) Call[SubscriptionQuery, List[Subscription]] { return s.ListSubscriptions })),
	write("unsubscribe", func(a *Abilities) *Call[SubscriptionRef, Done] { return &a.Unsubscribe },
		method(func(s WebhookSubscriber) Call[SubscriptionRef, Done] { return s.Unsubscribe })),
	read("list_deliveries", func(a *Abilities) *Call[DeliveryQuery, Page[DeliveryRecord]] { return &a.ListDeliveries },
		method(func(s DeliveryLister) Call[DeliveryQuery, Page[DeliveryRecord]] { return s.ListDeliveries })),
}

// AbilitiesOf finds what a session can do, by the interfaces it implements.
func AbilitiesOf(s Session) *Abilities {
	a := &Abilities{}
	for _, b := range Bindings {
		b.Local(a, s)
	}
	return a
}

// RemoteAbilities are the abilities named, each sent through r. Names the host
// does not know are ignored: a newer connector may have more.
func RemoteAbilities(names []string, r Remote) *Abilities {
	has := make(map[string]bool, len(names))
	for _, n := range names {
		has[n] = true
	}
	a := &Abilities{}
	for _, b := range Bindings {
		if has[b.Name()] {
			b.Remote(a, r)
		}
	}
	return a
}

// Wrap puts around before and after every ability in a.
func Wrap(a *Abilities, around Around) {
	for _, b := range Bindings {
		b.Wrap(a, around)
	}
}
