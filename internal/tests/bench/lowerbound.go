package main

import (
	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
)

// lowerBound is the least time in seconds in which the cloud could have done what
// the spans say: along the longest chain of stacks that depend on each other,
// and no quicker than so many stacks at once allow.
func lowerBound(spans []cloudformation.Span, list []assembly.Stack, atOnce int) float64 {
	took, sum := map[string]float64{}, 0.0
	for _, span := range spans {
		seconds := span.End.Sub(span.Begin).Seconds()
		took[span.Stack] += seconds
		sum += seconds
	}
	byID := map[string]assembly.Stack{}
	for _, stack := range list {
		byID[stack.ID] = stack
	}
	longest, known := 0.0, map[string]float64{}
	for _, stack := range list {
		longest = max(longest, chain(stack, byID, took, known))
	}
	return max(longest, sum/float64(atOnce))
}

// chain is the time of a stack and of the slowest chain of those it needs.
func chain(stack assembly.Stack, byID map[string]assembly.Stack, took, known map[string]float64) float64 {
	if seconds, done := known[stack.ID]; done {
		return seconds
	}
	before := 0.0
	for _, id := range stack.After {
		if other, there := byID[id]; there {
			before = max(before, chain(other, byID, took, known))
		}
	}
	known[stack.ID] = before + took[stack.Name]
	return known[stack.ID]
}
