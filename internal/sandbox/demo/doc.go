// Package demo plays both customer guides against a hub: it puts two companies
// on the stage around it, acts as the people who use it, and judges what came
// of it. It drives the hub only through the public REST API and shares no type
// with it; it judges only by the simulators' own records.
//
//	box, err := demo.Open(demo.Options{Dir: dir, Hub: "http://127.0.0.1:8080"})
//	defer box.Close()
//	// ... start a hub that points at box.ATSURL, box.FairecURL, box.PillarURL ...
//	err = box.Play(ctx, demo.Script{API: "http://127.0.0.1:8080", Keys: keys, Out: os.Stdout})
//	errors.Is(err, demo.ErrStory) // the world did not become as the guides promise
package demo
