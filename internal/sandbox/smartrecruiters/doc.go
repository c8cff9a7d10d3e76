// Package smartrecruiters simulates the SmartRecruiters Customer API: several companies with their own users, jobs and
// credentials behind one http.Handler, the vendor's limits, webhooks and awkward points, faults on demand, and a
// record of everything that happened which no tested code can touch. It shares no type with the code it tests.
//
//	sim, err := smartrecruiters.New(smartrecruiters.Options{
//		RecordPath: "smartrecruiters.jsonl",
//		Client:     &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: edge.CA()}}},
//		TimeScale:  600, // a redelivery minute lasts 0.1 s
//	})
//	if err != nil { ... }
//	defer sim.Close()
//	server := httptest.NewServer(sim)
//	sim.SetBaseURL(server.URL)
//
//	acme := sim.AddCompany("Acme")
//	key := acme.NewAPIKey(smartrecruiters.Grant{Scopes: smartrecruiters.FairecScopes, Role: smartrecruiters.Administrator})
//	job := acme.AddJob(smartrecruiters.Job{Title: "Go developer"})
//	ada, _ := acme.Apply(job, smartrecruiters.Candidate{FirstName: "Ada", LastName: "Nwosu", Email: "ada@example.com"})
//
//	// ... the code under test subscribes and reads with key ...
//
//	acme.Move(ada.CandidateID, job, smartrecruiters.InReview, "Screening") // a recruiter drags a card
//	sim.Inject(smartrecruiters.Fault{Kind: smartrecruiters.FaultAnswerLost, Method: "PUT", Count: 1})
//	_ = sim.Settle(ctx)                                                     // every webhook acknowledged or given up
//	moved := sim.Record().Effects("moved")                                  // the independent witness
//
// Where the vendor documents nothing, Policies decide; what the vendor leaves random (bodies of 401 and 429, the case
// of token_type, nextPageId on the last page) varies here on purpose.
package smartrecruiters
