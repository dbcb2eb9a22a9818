package attest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// ReleaseType is the type of release records, and the URL of their schema.
const ReleaseType = "https://raw.githubusercontent.com/aphex/aphex-pipeline/main/schema/release-record.schema.json"

// Release is what a release record says of a run. Its members are in the schema.
type Release struct {
	Run           string        `json:"run"`
	Number        int           `json:"number"`             // of the release records of the run, from 1
	Previous      string        `json:"previous,omitempty"` // sha256:<hex> of the one before
	Pipeline      string        `json:"pipeline,omitempty"`
	Repository    string        `json:"repository,omitempty"`
	Branch        string        `json:"branch,omitempty"`
	Commit        string        `json:"commit"`
	Origin        string        `json:"origin,omitempty"`
	Status        string        `json:"status"`
	Error         string        `json:"error,omitempty"`
	Created       string        `json:"created,omitempty"`
	Ended         time.Time     `json:"ended"`
	Configuration string        `json:"configuration,omitempty"` // sha256:<hex>
	Artifact      string        `json:"artifact,omitempty"`      // sha256:<hex>
	Asked         Asked         `json:"asked"`
	Environments  []Environment `json:"environments"`
	Steps         []Step        `json:"steps"`
	Images        []string      `json:"images,omitempty"` // of the pipeline's stages
	Record        string        `json:"record"`           // sha256:<hex> of all that the record of the run says
}

// Asked is who wanted a run: whoever pushed, or a person.
type Asked struct {
	By       string   `json:"by,omitempty"`
	Attested bool     `json:"attested"` // the API server compared the name with the user
	Purpose  string   `json:"purpose,omitempty"`
	Only     []string `json:"only,omitempty"`
	Reason   string   `json:"reason,omitempty"`
}

// Environment is what a run did to an environment.
type Environment struct {
	Environment string  `json:"environment"`
	Status      string  `json:"status"` // of its deployment
	Stacks      []Stack `json:"stacks,omitempty"`
	Gates       []Gate  `json:"gates,omitempty"`
	Tests       *Tests  `json:"tests,omitempty"`
}

// Stack is what a deployment did to a stack.
type Stack struct {
	Stack    string   `json:"stack"`
	Name     string   `json:"name"`
	Region   string   `json:"region"`
	Action   string   `json:"action"`
	Changes  string   `json:"changes,omitempty"`
	Template string   `json:"template,omitempty"` // sha256:<hex>
	Goal     string   `json:"goal,omitempty"`     // sha256:<hex> of template, parameters, tags and options
	Rights   []string `json:"rights,omitempty"`   // that became broader
}

// Gate is what a gate of an environment decided.
type Gate struct {
	Gate     string    `json:"gate"`
	State    string    `json:"state"`
	Reason   string    `json:"reason"`
	At       time.Time `json:"at"`
	Evidence []string  `json:"evidence,omitempty"`
	Plans    []string  `json:"plans,omitempty"` // digests of what was planned for stacks
	Opened   *Opened   `json:"opened,omitempty"`
}

// Opened is who let a deployment pass a gate.
type Opened struct {
	By       string    `json:"by"`
	Attested bool      `json:"attested"`
	Why      string    `json:"why"`
	At       time.Time `json:"at"`
}

// Tests are the results of the tests of an environment.
type Tests struct {
	Status  string   `json:"status"`
	Tests   int      `json:"tests"`
	Broken  int      `json:"broken"`
	Skipped int      `json:"skipped"`
	Failed  []string `json:"failed,omitempty"`
}

// Step is a step of a run, in the order in which they started.
type Step struct {
	Step    string    `json:"step"`
	Status  string    `json:"status"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended"`
	Version string    `json:"version,omitempty"`
	Record  string    `json:"record"` // sha256:<hex> of all that its record says
}

// Opening is a release record whose signature was verified.
type Opening struct {
	Release  Release
	Subjects []Subject
	claims   []byte
}

// SignRelease returns a signed release record of these subjects.
func SignRelease(ctx context.Context, key Signer, r Release, subjects []Subject) ([]byte, error) {
	claims, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encoding the release record of run %q: %w", r.Run, err)
	}
	return statement{subjects, ReleaseType, claims}.sign(ctx, key)
}

// OpenRelease returns what a signed release record says.
func OpenRelease(ctx context.Context, data []byte, key Key) (Opening, error) {
	s, err := open(ctx, data, key, ReleaseType)
	if err != nil {
		return Opening{}, err
	}
	o := Opening{Subjects: s.subjects, claims: s.claims}
	if err := json.Unmarshal(s.claims, &o.Release); err != nil {
		return Opening{}, errs.Failedf("it is no release record: %w", err)
	}
	return o, nil
}

// Differences lists where a release record says something else than what is known, as paths
// with both values. What the release record does not say is no difference.
func (o Opening) Differences(known Release) ([]string, error) {
	data, err := json.Marshal(known)
	if err != nil {
		return nil, fmt.Errorf("encoding what is known of run %q: %w", known.Run, err)
	}
	var signed, now any
	if err := decode(o.claims, &signed); err != nil {
		return nil, err
	}
	if err := decode(data, &now); err != nil {
		return nil, err
	}
	return differ("", signed, now, nil), nil
}

func decode(data []byte, into any) error {
	reading := json.NewDecoder(bytes.NewReader(data))
	reading.UseNumber()
	return reading.Decode(into)
}
