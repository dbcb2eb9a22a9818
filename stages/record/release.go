package record

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/attest"
	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/deploy"
	"github.com/aphex/aphex-pipeline/internal/deploy/gate"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// addedLater are the members of the record of a run that follow from what came of it: they are
// added when the release record is there.
var addedLater = []string{"notified", "published", "counted", "signing"}

// release signs and stores the release record of a run. What came of the run does not depend
// on it: without one, the record of the run says why.
func (d Deps) release(ctx context.Context, frame stage.Frame, document Document) {
	if document.Signing == nil {
		return
	}
	key, err := d.sign(ctx, document)
	if err == nil {
		frame.Log.Info("signed the release record", "key", key)
		return
	}
	frame.Log.Error("the run has no signed release record", "error", err, "hint", errs.HintOf(err))
	err = amend(ctx, d.Bucket, document, func(stored *Document) { stored.Signing = document.Signing.failed(err) })
	if err != nil {
		frame.Log.Warn("the record of the run does not say that it is not signed", "error", err)
	}
}

// signingOf returns what the record of a run says of its signing; nil without a key.
func signingOf(in Input) *Signing {
	if !in.Signs() {
		return nil
	}
	return &Signing{Images: strings.Fields(in.Images)}
}

// failed adds why a run could not be signed.
func (s *Signing) failed(err error) *Signing {
	failed := Signing{Failed: errs.OneLine(err.Error())}
	if s != nil {
		failed.Images = s.Images
	}
	return &failed
}

// maxReleases is how often a run is recorded.
const maxReleases = 100

// sign stores the next release record of a run.
func (d Deps) sign(ctx context.Context, document Document) (key string, err error) {
	signer, err := d.Signer(ctx)
	if err != nil {
		return "", err
	}
	stored, err := document.encode()
	if err != nil {
		return "", err
	}
	for range maxReleases {
		number, previous, err := lastRelease(ctx, d.Bucket, document.Workflow)
		if err != nil {
			return "", err
		}
		release, subjects, err := document.Release(stored)
		if err != nil {
			return "", err
		}
		release.Number, release.Previous = number+1, previous
		data, err := attest.SignRelease(ctx, signer, release, subjects)
		if err != nil {
			return "", fmt.Errorf("signing the release record of run %q: %w", document.Workflow, err)
		}
		key = bucket.ReleaseKey(document.Workflow, release.Number)
		if err = d.Bucket.Create(ctx, key, data); !errors.Is(err, fs.ErrExist) {
			return key, err
		}
	}
	return "", errs.Failedf("run %q has %d release records already", document.Workflow, maxReleases)
}

// Releases returns the numbers of the release records of a run, in order.
func Releases(ctx context.Context, b bucket.Bucket, run string) (numbers []int, err error) {
	keys, err := b.List(ctx, bucket.ReleasesPrefix(run))
	if err != nil {
		return nil, fmt.Errorf("listing the release records of run %q: %w", run, err)
	}
	for _, key := range keys {
		if n, ok := bucket.ReleaseNumber(key); ok {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// lastRelease returns the number and the digest of the last release record of a run; 0 is none.
func lastRelease(ctx context.Context, b bucket.Bucket, run string) (number int, digest string, err error) {
	numbers, err := Releases(ctx, b, run)
	if err != nil || len(numbers) == 0 {
		return 0, "", err
	}
	number = numbers[len(numbers)-1]
	data, err := b.Get(ctx, bucket.ReleaseKey(run, number))
	if err != nil {
		return 0, "", err
	}
	return number, attest.DigestOf(data), nil
}

// Release returns what the release record of a run says, but for its number, with its
// subjects: the artifact, the templates that are deployed, and the record of the run. Stored
// is that record as it is in the bucket.
func (d Document) Release(stored []byte) (attest.Release, []attest.Subject, error) {
	var raw struct {
		Steps []json.RawMessage `json:"steps"`
	}
	if err := json.Unmarshal(stored, &raw); err != nil || len(raw.Steps) != len(d.Steps) {
		return attest.Release{}, nil, errs.Failedf("the record of run %q cannot be read", d.Workflow)
	}
	r := attest.Release{
		Run: d.Workflow, Pipeline: d.Pipeline, Repository: d.Repository, Branch: d.Branch, Commit: d.Commit, Origin: d.Origin,
		Status: d.Status, Error: d.Error, Created: d.Created, Ended: d.Ended,
		Asked:        attest.Asked{By: d.Pusher, Attested: d.Attested, Purpose: d.Purpose, Only: d.Only, Reason: d.Reason},
		Environments: []attest.Environment{}, Steps: []attest.Step{},
	}
	if d.Signing != nil {
		r.Images = d.Signing.Images
	}
	var subjects []attest.Subject
	if b := d.Built; b != nil {
		r.Artifact, r.Configuration = b.Digest, b.ConfigDigest
		subjects = append(subjects, attest.Subject{Name: b.Artifact, Digest: b.Digest})
	}
	for i, step := range d.Steps {
		digest, err := attest.Digest(raw.Steps[i])
		if err != nil {
			return r, nil, err
		}
		r.Steps = append(r.Steps, attest.Step{Step: step.Step, Status: step.Status, Started: step.Started, Ended: step.Ended, Version: step.Version, Record: digest})
		if name := plan.DeployedBy(step.Step); name != "" {
			env := d.attested(name, step)
			r.Environments = append(r.Environments, env)
			subjects = append(subjects, templatesOf(env)...)
		}
	}
	var err error
	r.Record, err = attest.Digest(stored, addedLater...)
	return r, append(subjects, attest.Subject{Name: "record of " + d.Workflow, Digest: r.Record}), err
}

// templatesOf returns the templates that an environment has.
func templatesOf(env attest.Environment) (subjects []attest.Subject) {
	for _, stack := range env.Stacks {
		if stack.Template != "" && !slices.Contains([]string{"failed", "stopped", "skipped"}, stack.Action) {
			subjects = append(subjects, attest.Subject{Name: "template of " + env.Environment + "/" + stack.Name, Digest: stack.Template})
		}
	}
	return subjects
}

// openedBy returns who let a deployment pass a gate: by an override, or by an approval.
func openedBy(o gate.Outcome) *attest.Opened {
	switch {
	case o.Override != nil:
		return &attest.Opened{By: o.Override.By, Attested: o.Override.Attested, Why: o.Override.Why, At: o.Override.At}
	case o.State == gate.Open && len(o.Decisions) > 0:
		return &attest.Opened{By: o.Decisions[0].By, Attested: o.Decisions[0].Attested, Why: o.Decisions[0].Why, At: o.Decisions[0].At}
	}
	return nil
}

// attested returns what a release record says of the deployment of an environment.
func (d Document) attested(name string, step stage.Record) attest.Environment {
	env := attest.Environment{Environment: name, Status: step.Status}
	details := map[string]stage.StackDetails{}
	if step.Details != nil {
		for _, one := range step.Details.Stacks {
			details[one.Stack] = one
		}
	}
	var summary deploy.Summary
	if json.Unmarshal([]byte(step.Outputs["summary"]), &summary) == nil {
		for _, s := range summary.Stacks {
			stack := attest.Stack{
				Stack: s.Stack, Name: s.Name, Region: s.Region, Action: s.Action, Changes: s.Changes,
				Template: details[s.Stack].Template, Goal: details[s.Stack].Goal,
			}
			for _, wider := range details[s.Stack].Rights {
				stack.Rights = append(stack.Rights, wider.Resource+": "+wider.Text)
			}
			env.Stacks = append(env.Stacks, stack)
		}
		for _, o := range summary.Gates {
			g := attest.Gate{Gate: string(o.Gate), State: string(o.State), Reason: o.Reason, At: o.At, Evidence: o.Evidence, Plans: o.Stacks}
			g.Opened = openedBy(o)
			env.Gates = append(env.Gates, g)
		}
	}
	at := slices.IndexFunc(d.Steps, func(s stage.Record) bool { return s.Step == plan.Test(name) })
	if at >= 0 {
		env.Tests = &attest.Tests{Status: d.Steps[at].Status}
		if found := d.Steps[at].Details; found != nil && found.Tests != nil {
			env.Tests.Tests, env.Tests.Broken, env.Tests.Skipped, env.Tests.Failed = found.Tests.Tests, found.Tests.Broken, found.Tests.Skipped, found.Tests.Failed
		}
	}
	return env
}
