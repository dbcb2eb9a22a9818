package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// side is one side of a comparison: it does the work once and returns its cost, in the pair's unit.
type side func(ctx context.Context) (float64, error)

// pair is one comparison.
type pair struct {
	Name   string
	Unit   string
	Ours   side
	Theirs side
	// Limit is what the ratio must not exceed; 0 where there is no limit.
	Limit float64
}

// result is the outcome of a pair; its JSON form is that of bench.json.
type result struct {
	Name   string  `json:"name"`
	Ours   float64 `json:"ours"`
	Theirs float64 `json:"theirs"`
	Ratio  float64 `json:"ratio"`
	Unit   string  `json:"unit"`
	// LowerBound is the least that the work could cost on this machine, where that is known: the time of the app itself,
	// and of the simulated cloud on the critical path.
	LowerBound float64 `json:"floor,omitempty"`
	limit      float64 // what the ratio must not exceed; 0 where there is no limit
	most       float64 // what our side must not exceed; 0 where there is no limit
}

// compare makes the result of two measured values.
func compare(name, unit string, ours, theirs float64) result {
	return result{Name: name, Ours: ours, Theirs: theirs, Ratio: ours / theirs, Unit: unit}
}

// measureAll measures the pairs one after another.
func measureAll(ctx context.Context, log *slog.Logger, pairs []pair, runs int) ([]result, error) {
	var results []result
	for _, p := range pairs {
		r, err := measure(ctx, log, p, runs)
		if err != nil {
			return nil, err
		}
		results = append(results, r)
	}
	return results, nil
}

// measure runs both sides by turns, after one run of each that only warms caches, and compares the medians.
func measure(ctx context.Context, log *slog.Logger, p pair, runs int) (result, error) {
	var ours, theirs []float64
	for run := range runs + 1 {
		our, err := p.Ours(ctx)
		if err != nil {
			return result{}, fmt.Errorf("our side of %s: %w", p.Name, err)
		}
		their, err := p.Theirs(ctx)
		if err != nil {
			return result{}, fmt.Errorf("their side of %s: %w", p.Name, err)
		}
		if run == 0 {
			continue
		}
		log.Info("measured", "pair", p.Name, "run", run, "ours", our, "theirs", their, "unit", p.Unit)
		ours, theirs = append(ours, our), append(theirs, their)
	}
	r := compare(p.Name, p.Unit, median(ours), median(theirs))
	r.limit = p.Limit
	return r, nil
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// timed is a side that costs the seconds its work takes.
func timed(work func(ctx context.Context) error) side {
	return func(ctx context.Context) (float64, error) {
		start := time.Now()
		err := work(ctx)
		return time.Since(start).Seconds(), err
	}
}

// constant is a side that always costs the same: a limit that we set ourselves.
func constant(cost float64) side {
	return func(context.Context) (float64, error) { return cost, nil }
}
