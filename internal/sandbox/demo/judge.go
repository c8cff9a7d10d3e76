package demo

// judge.go: compares what happened with what had to happen, exactly: nothing
// may be missing, nothing may be there twice, nothing else may be there.

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrStory means that the records do not tell the story they should.
var ErrStory = errors.New("the story did not end as the guides promise")

// judge answers what is wrong, one line each; none means that the records are
// exactly as expected.
func judge(expected, happened []fact) []string {
	count := map[fact]int{}
	for _, f := range expected {
		count[f]--
	}
	for _, f := range happened {
		count[f]++
	}
	wanted := map[fact]bool{}
	for _, f := range expected {
		wanted[f] = true
	}
	var diff []string
	for f, n := range count {
		switch {
		case n < 0:
			diff = append(diff, "- missing:  "+f.String())
		case n > 0 && wanted[f]:
			diff = append(diff, fmt.Sprintf("+ repeated: %s (%d times too often)", f, n))
		case n > 0:
			diff = append(diff, "+ nobody asked for: "+f.String())
		}
	}
	slices.SortFunc(diff, func(a, b string) int { return strings.Compare(a[2:], b[2:]) })
	return diff
}
