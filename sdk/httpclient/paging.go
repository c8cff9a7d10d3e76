package httpclient

// Walking lists: whole, once, and never for ever.

import (
	"context"
	"iter"

	"github.com/atshub/atshub/sdk"
)

// MaxPages is where a list is taken for endless.
const MaxPages = 10_000

// Pages walks a list from its first page to the last. A cursor seen before, or
// more than MaxPages pages, end it with CodeUpstreamBug; an error of fetch ends
// it with that error.
func Pages[T any](ctx context.Context, fetch func(ctx context.Context, cursor string) (sdk.Page[T], error)) iter.Seq2[sdk.Page[T], error] {
	return func(yield func(sdk.Page[T], error) bool) {
		seen := map[string]bool{"": true}
		var cursor string
		for range MaxPages {
			page, err := fetch(ctx, cursor)
			if err != nil {
				yield(sdk.Page[T]{}, err)
				return
			}
			if page.Next != "" && seen[page.Next] {
				yield(sdk.Page[T]{}, endless("the list comes back to a page it had before"))
				return
			}
			if !yield(page, nil) || page.Next == "" {
				return
			}
			cursor = page.Next
			seen[cursor] = true
		}
		yield(sdk.Page[T]{}, endless("the list has more pages than can be true"))
	}
}

// All is every item of a list, by Pages.
func All[T any](ctx context.Context, fetch func(ctx context.Context, cursor string) (sdk.Page[T], error)) ([]T, error) {
	var items []T
	for page, err := range Pages(ctx, fetch) {
		if err != nil {
			return nil, err
		}
		items = append(items, page.Items...)
	}
	return items, nil
}

func endless(message string) *sdk.Error {
	return &sdk.Error{Code: sdk.CodeUpstreamBug, Message: message, Fault: sdk.FaultVendor, Outcome: sdk.NotDone}
}
