package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/attest"
	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/stages/record"
)

// State is what came of a check.
type State string

// The states.
const (
	Proven   State = "proven"
	Unproven State = "not proven"
	Refused  State = "refused"
)

// Check is one statement about a run.
type Check struct {
	Check string `json:"check"`
	State State  `json:"state"`
	Text  string `json:"text"`
}

// Report is what is proven of a run. Its state is that of its signature, or Refused if
// anything was refused.
type Report struct {
	Run    string  `json:"run"`
	State  State   `json:"state"`
	Key    string  `json:"key,omitempty"` // fingerprint of the key
	Checks []Check `json:"checks"`
}

func (r *Report) add(check string, state State, format string, args ...any) {
	r.Checks = append(r.Checks, Check{check, state, fmt.Sprintf(format, args...)})
	if state == Refused {
		r.State = Refused
	}
}

// refuse adds a refusal, unless the error says that something could not be read.
func (r *Report) refuse(check string, err error) error {
	if kind := errs.KindOf(err); kind != errs.Failed && kind != errs.Invalid {
		return err
	}
	r.add(check, Refused, "%v", err)
	return nil
}

// verification is the verification of one run.
type verification struct {
	bucket bucket.Bucket
	key    attest.Key
	report Report
}

// Run verifies a run in a bucket. The key is asked for if there is a release record.
func Run(ctx context.Context, b bucket.Bucket, run string, key func(context.Context) (attest.Key, error)) (Report, error) {
	v := verification{bucket: b, report: Report{Run: run, State: Unproven}}
	numbers, err := record.Releases(ctx, b, run)
	if err != nil {
		return v.report, err
	}
	if len(numbers) == 0 {
		v.report.add("signature", Unproven, "the run has no release record: nothing of it is signed%s", why(ctx, b, run))
		return v.report, nil
	}
	if v.key, err = key(ctx); err != nil {
		return v.report, err
	}
	v.report.Key = v.key.ID()
	last, err := v.chain(ctx, run, numbers)
	if err != nil || last == nil {
		return v.report, err
	}
	v.report.State = Proven
	for _, check := range []func(context.Context, attest.Opening) error{v.record, v.artifact, v.provenance} {
		if err := check(ctx, *last); err != nil {
			return v.report, err
		}
	}
	v.claims(last.Release)
	return v.report, nil
}

// why says why a run that was to be signed is not, as far as its record says so.
func why(ctx context.Context, b bucket.Bucket, run string) string {
	d, err := record.ReadRun(ctx, b, run)
	if err != nil || d.Signing == nil || d.Signing.Failed == "" {
		return ""
	}
	return ", as " + d.Signing.Failed
}

// chain verifies all release records of a run: each names the one before. It returns the last
// one; nil is one that was refused.
func (v *verification) chain(ctx context.Context, run string, numbers []int) (*attest.Opening, error) {
	var last attest.Opening
	before := ""
	for i, number := range numbers {
		key := bucket.ReleaseKey(run, number)
		if number != i+1 {
			v.report.add("signature", Refused, "release record %d is missing", i+1)
			return nil, nil
		}
		data, err := v.bucket.Get(ctx, key)
		if err != nil {
			return nil, fmt.Errorf("reading the release record %s: %w", key, err)
		}
		if last, err = attest.OpenRelease(ctx, data, v.key); err != nil {
			v.report.add("signature", Refused, "%s: %v", key, err)
			return nil, nil
		}
		if r := last.Release; r.Run != run || r.Number != number || r.Previous != before {
			v.report.add("signature", Refused, "%s is release record %d of run %s, and does not belong there", key, r.Number, r.Run)
			return nil, nil
		}
		before = attest.DigestOf(data)
	}
	v.report.add("signature", Proven, "release record %d of %d is signed by the key", len(numbers), len(numbers))
	return &last, nil
}

// record compares the record of the run with what was signed.
func (v *verification) record(ctx context.Context, o attest.Opening) error {
	stored, err := v.bucket.Get(ctx, bucket.RunRecordKey(o.Release.Run))
	if errors.Is(err, fs.ErrNotExist) {
		v.report.add("record", Unproven, "the bucket has no record of the run any more; the release record stands for itself")
		return nil
	}
	if err != nil {
		return err
	}
	var d record.Document
	if err := json.Unmarshal(stored, &d); err != nil {
		v.report.add("record", Refused, "the record of the run cannot be read: %v", err)
		return nil
	}
	known, _, err := d.Release(stored)
	if err != nil {
		v.report.add("record", Refused, "%v", err)
		return nil
	}
	known.Number, known.Previous = o.Release.Number, o.Release.Previous
	different, err := o.Differences(known)
	if err != nil {
		return err
	}
	for _, one := range different {
		v.report.add("record", Refused, "%s in the record of the run", one)
	}
	if len(different) == 0 {
		v.report.add("record", Proven, "the record of the run says what was signed: %s, %d steps", o.Release.Status, len(o.Release.Steps))
	}
	return nil
}

// artifactOf returns the artifact of a release record; false is none.
func artifactOf(o attest.Opening) (attest.Subject, bool) {
	at := slices.IndexFunc(o.Subjects, func(s attest.Subject) bool { return s.Digest == o.Release.Artifact && s.Name != "" })
	if o.Release.Artifact == "" || at < 0 {
		return attest.Subject{}, false
	}
	return o.Subjects[at], true
}

// artifact compares the artifact in the bucket with the signed digest.
func (v *verification) artifact(ctx context.Context, o attest.Opening) error {
	subject, ok := artifactOf(o)
	if !ok {
		v.report.add("artifact", Unproven, "the run has none")
		return nil
	}
	defer v.bucket.Release()
	err := v.bucket.FetchTar(ctx, subject.Name, subject.Digest, "", command.Selection{}, io.Discard)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		v.report.add("artifact", Unproven, "%s is not in the bucket any more", subject.Name)
	case err != nil:
		return v.report.refuse("artifact", err)
	default:
		v.report.add("artifact", Proven, "%s has the digest that was signed", subject.Name)
	}
	return nil
}

// provenance verifies the provenance of the artifact, and its configuration by it.
func (v *verification) provenance(ctx context.Context, o attest.Opening) error {
	subject, ok := artifactOf(o)
	if !ok {
		return nil
	}
	key := bucket.ProvenanceKey(o.Release.Commit, subject.Digest)
	data, err := v.bucket.Get(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		v.report.add("provenance", Unproven, "there is none of the artifact: no signed statement says from which commit it was built")
		return nil
	}
	if err != nil {
		return err
	}
	build, err := attest.OpenBuild(ctx, data, v.key)
	if err == nil {
		err = build.Is(o.Release.Commit, subject, o.Release.Configuration)
	}
	if err != nil {
		v.report.add("provenance", Refused, "%s: %v", key, err)
		return nil
	}
	v.report.add("provenance", Proven, "run %s built the artifact from commit %s of %s", build.Run, build.Commit, build.Repository)
	defer v.bucket.Release()
	file, err := v.bucket.FetchFile(ctx, subject.Name, subject.Digest, build.Config)
	switch {
	case err == nil && attest.DigestOf(file) == o.Release.Configuration:
		v.report.add("configuration", Proven, "%s of the artifact has the digest that was signed", build.Config)
	case err == nil:
		v.report.add("configuration", Refused, "%s of the artifact has another digest than %s", build.Config, o.Release.Configuration)
	case errors.Is(err, fs.ErrNotExist):
		v.report.add("configuration", Unproven, "%s cannot be read without the artifact; its digest was signed", build.Config)
	case !slices.ContainsFunc(v.report.Checks, func(c Check) bool { return c.Check == "artifact" && c.State == Refused }):
		return v.report.refuse("configuration", err)
	}
	return nil
}

// claims says what the signed release record claims, and which of that it cannot prove.
func (v *verification) claims(r attest.Release) {
	a := r.Asked
	switch {
	case a.Attested:
		v.report.add("person", Proven, "%s asked for it (%s), as the API server attested when the run began", a.By, a.Purpose)
	case a.By == "":
		v.report.add("person", Unproven, "nobody is named")
	default:
		v.report.add("person", Unproven, "%s is the name that came with the run; nothing attested it", a.By)
	}
	templates := 0
	for _, env := range r.Environments {
		for _, stack := range env.Stacks {
			if stack.Template != "" {
				templates++
			}
		}
		for _, g := range env.Gates {
			gate(&v.report, env.Environment, g)
		}
		if t := env.Tests; t != nil {
			v.report.add("tests", Proven, "%s: %s, %d tests, %d failed, as the tester reported", env.Environment, t.Status, t.Tests, t.Broken)
		}
	}
	if templates > 0 {
		v.report.add("templates", Proven, "%d are signed by digest; that stacks still have them is not checked here", templates)
	}
	digests := slices.ContainsFunc(r.Images, func(image string) bool { return strings.Contains(image, "@sha256:") })
	if digests {
		v.report.add("images", Proven, "the stages ran in %s", strings.Join(r.Images, " "))
	} else {
		v.report.add("images", Unproven, "the digests of the images of the stages are not known")
	}
	v.report.add("time", Unproven, "%s is the time of the pipeline's own clock; no authority signed it", r.Ended.UTC().Format("2006-01-02 15:04:05Z"))
}

func gate(report *Report, environment string, g attest.Gate) {
	switch {
	case g.Opened == nil:
		report.add("gate", Proven, "%s: %s was %s: %s", environment, g.Gate, g.State, g.Reason)
	case g.Opened.Attested:
		report.add("gate", Proven, "%s: %s opened %s, as the API server attested: %s", environment, g.Opened.By, g.Gate, g.Opened.Why)
	default:
		report.add("gate", Unproven, "%s: %s opened %s, and nothing attested the name: %s", environment, g.Opened.By, g.Gate, g.Opened.Why)
	}
}
