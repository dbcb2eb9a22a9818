package planned

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

// JSON returns the JSON form of the plan, with a line end.
func (p *Plan) JSON() ([]byte, error) {
	data, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding the plan: %w", err)
	}
	return append(data, '\n'), nil
}

// Write writes the plan's JSON form to a file.
func (p *Plan) Write(path string) error {
	data, err := p.JSON()
	if err != nil {
		return err
	}
	return errs.Writing(path, os.WriteFile(path, data, 0o644))
}

// maxPlan is the size limit of a plan in bytes.
const maxPlan = 64 << 20

// Read reads a plan to execute. A plan of another environment or commit is an
// error, and so is one that has nothing to execute.
func Read(path, environment, commit string) (*Plan, error) {
	data, err := limits.ReadFile(path, maxPlan)
	if err != nil {
		return nil, errs.Invalidf("reading the plan: %w", err)
	}
	plan := &Plan{}
	if err := json.Unmarshal(data, plan); err != nil {
		return nil, errs.Invalidf("%s is not a plan: %w", path, err).WithHint("create one with --plan-file")
	}
	switch {
	case plan.Version != Version:
		return nil, errs.Invalidf("%s is a plan of version %d, but this program reads version %d", path, plan.Version, Version).
			WithHint("plan again with this version of the program")
	case plan.Environment != environment:
		return nil, errs.Invalidf("%s is a plan for environment %s, not %s", path, plan.Environment, environment)
	case plan.Commit != commit:
		return nil, errs.Invalidf("%s is a plan of commit %s, not %s", path, plan.Commit, commit).WithHint("plan again, from the commit to be deployed")
	case plan.Basis == FromTemplates:
		return nil, errs.Invalidf("%s is a comparison of templates, which has no change sets to execute", path).WithHint("create a plan with --plan-file")
	}
	return plan, nil
}

// DigestOf returns the digest of what the deployment would do with one of its stacks, whatever
// it does with the others and in which order.
func (p *Plan) DigestOf(s Stack) (string, error) {
	s.After, s.Status = nil, "" // an attempt before may have left an empty stack
	one := Plan{Version: p.Version, Environment: p.Environment, Account: p.Account, Region: p.Region, Commit: p.Commit, Stacks: []Stack{s}}
	return one.Digest()
}

// Digest returns "sha256:<hex>" of what the deployment would do. Two plans with the same
// digest do the same: left out are the ARNs of change sets and stacks, which each plan makes
// anew, whether assets are published already, and explanations. The digest is that of
// canonical JSON: without white space, the members of each object sorted by name.
func (p *Plan) Digest() (string, error) {
	same := *p
	same.Hint, same.Problem = "", ""
	same.Stacks, same.Assets = slices.Clone(p.Stacks), slices.Clone(p.Assets)
	for i := range same.Stacks {
		s := &same.Stacks[i]
		s.ChangeSet, s.StackID, s.Because, s.Hint, s.Warnings = "", "", "", "", nil
	}
	for i := range same.Assets {
		same.Assets[i].Exists = false
	}
	text, err := json.Marshal(same)
	if err != nil {
		return "", fmt.Errorf("encoding the plan: %w", err)
	}
	var members any
	if err := json.Unmarshal(text, &members); err != nil {
		return "", fmt.Errorf("reading the plan again: %w", err)
	}
	if text, err = json.Marshal(members); err != nil { // the members of a map are sorted
		return "", fmt.Errorf("encoding the plan: %w", err)
	}
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}
