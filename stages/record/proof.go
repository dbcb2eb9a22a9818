package record

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// Built is the built workspace of a commit, which later runs can deploy.
type Built struct {
	Artifact     string `json:"artifact"`     // key in the bucket
	Digest       string `json:"digest"`       // of the artifact, as sha256:<hex>
	ConfigDigest string `json:"configDigest"` // of the configuration file of the commit, as sha256:<hex>
}

// builtBy returns what a run deploys: what an earlier run built, or its own steps; nil if
// nothing was built.
func builtBy(in Input, steps []stage.Record) *Built {
	b := Built{in.Artifact, in.Digest, in.BuiltConfig}
	for _, step := range steps {
		switch {
		case in.Artifact != "":
		case step.Step == plan.Validate && step.Status == stage.Done:
			b.ConfigDigest = step.Outputs[plan.ConfigDigest]
		case step.Step == plan.Build && step.Status == stage.Done:
			b.Artifact, b.Digest = step.Outputs[plan.Artifact], step.Outputs[plan.Digest]
		}
	}
	if b.Artifact == "" || b.Digest == "" || b.ConfigDigest == "" {
		return nil
	}
	return &b
}

// BuiltBy returns what a run built or deployed; nil is nothing. Records of earlier versions
// say it in their steps, or in those of the run that handed over.
func BuiltBy(ctx context.Context, b bucket.Bucket, d Document) (*Built, error) {
	if d.Built != nil {
		return d.Built, nil
	}
	if d.Origin == "" {
		return builtBy(Input{}, d.Steps), nil
	}
	origin, err := ReadRun(ctx, b, d.Origin)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	handover, err := stage.HandoverOf(origin.Steps)
	if err != nil || handover == nil {
		return nil, err
	}
	return builtBy(Input{Artifact: handover.Artifact, Digest: handover.Digest, BuiltConfig: handover.ConfigDigest}, nil), nil
}

// Proves reports whether the run deployed its commit to an environment and its tests there
// passed, or there are none.
func (d Document) Proves(environment string) bool {
	deployed, tested := d.status(plan.Deploy(environment)), d.status(plan.Test(environment))
	switch {
	case deployed != stage.Done:
		return false
	case tested != "":
		return tested == stage.Done
	}
	// Without a record of tests there are none, or the pod was lost before their end: Argo
	// then says that the deployment failed, in whose pod they run.
	return d.Status == "Succeeded" || len(d.Failures) > 0 && !slices.ContainsFunc(d.Failures, func(f Failure) bool {
		name, _, _ := strings.Cut(f.DisplayName, "(") // of an attempt, such as deploy-dev(0)
		return name == plan.Deploy(environment) || name == plan.Test(environment)
	})
}

// status returns the status of the last attempt of a step; "" if it has no record.
func (d Document) status(step string) (status string) {
	var last time.Time
	for _, s := range d.Steps {
		if s.Step == step && !s.Ended.Before(last) {
			status, last = s.Status, s.Ended
		}
	}
	return status
}

// maxProofs is how many records are read to find one that proves a commit.
const maxProofs = 100

// Proof returns the newest run that proved a commit in an environment; false if none did.
func (x Index) Proof(ctx context.Context, b bucket.Bucket, commit, environment string) (Document, bool, error) {
	read := 0
	for _, run := range x.Runs { // newest first
		if run.Commit != commit || !slices.Contains(run.Environments, environment) {
			continue
		}
		if read++; read > maxProofs {
			break
		}
		d, err := ReadRun(ctx, b, run.Run)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return Document{}, false, err
		case d.Commit == commit && d.Proves(environment):
			return d, true, nil
		}
	}
	return Document{}, false, nil
}

// IsProven reports whether a run proved a commit in an environment.
func IsProven(ctx context.Context, b bucket.Bucket, commit, environment string) (bool, error) {
	x, err := ReadIndex(ctx, b)
	if err != nil {
		return false, err
	}
	_, proven, err := x.Proof(ctx, b, commit, environment)
	return proven, err
}

// Before lists the commits that were deployed to an environment before those given, newest
// first. Commits are as old as their first deployment there: runs go forward, and only a
// rollback repeats an older one.
func (x Index) Before(environment string, commits ...string) []string {
	first := map[string]time.Time{}
	for _, run := range x.Runs {
		if slices.Contains(run.Environments, environment) && (first[run.Commit].IsZero() || run.Ended.Before(first[run.Commit])) {
			first[run.Commit] = run.Ended
		}
	}
	var before []string
	for commit, at := range first {
		newer := slices.ContainsFunc(commits, func(other string) bool {
			limit, known := first[other]
			return other == commit || known && !at.Before(limit)
		})
		if !newer {
			before = append(before, commit)
		}
	}
	slices.SortFunc(before, func(a, b string) int { return cmp.Or(first[b].Compare(first[a]), strings.Compare(a, b)) })
	return before
}
