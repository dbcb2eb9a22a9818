package deploy

import (
	"github.com/aphex/aphex-pipeline/internal/deploy/diff"
)

// Plan is what a deployment of an environment would do. Its JSON form is what
// --plan-file writes and --execute-plan reads.
type Plan struct {
	Version     int            `json:"version"` // of this form: PlanVersion
	Environment string         `json:"environment"`
	Account     string         `json:"account"`
	Region      string         `json:"region"`
	Commit      string         `json:"commit"`
	Concurrency int            `json:"concurrency"`
	Complete    bool           `json:"complete"` // it covers everything to deploy
	PreDeploy   []string       `json:"preDeploy"`
	PostDeploy  []string       `json:"postDeploy"`
	Stacks      []PlannedStack `json:"stacks"` // in the order of deployment
	Assets      []PlannedAsset `json:"assets"`
	Broader     bool           `json:"broader"` // permissions become broader

	kept bool // the change sets exist and can be executed
}

// PlanVersion is the version of the plan's JSON form that this program writes and reads.
const PlanVersion = 1

// Intent is the action that a deployment would take on a stack.
type Intent string

const (
	// WillCreate is for a stack that does not exist.
	WillCreate Intent = "create"
	// WillUpdate is for a stack that changes.
	WillUpdate Intent = "update"
	// WillKeep is for an unchanged stack.
	WillKeep Intent = "unchanged"
	// WillRecreate is for the remains of a failed creation: they are deleted, then
	// the stack is created. Exists is no change set, so a plan does not execute it.
	WillRecreate Intent = "recreate"
	// WillRollBack is for a stack whose operation was interrupted: it is rolled back,
	// then updated. Exists is no change set, so a plan does not execute it.
	WillRollBack Intent = "roll back"
	// WillWait is for a stack whose change set cannot be created before an earlier
	// stack is deployed. A plan does not execute it.
	WillWait Intent = "later"
	// WillFail is for a stack that cannot be deployed.
	WillFail Intent = "blocked"
)

// PlannedStack is one stack of a plan.
type PlannedStack struct {
	Stack          string            `json:"stack"` // as in the outputs
	Name           string            `json:"name"`  // in CloudFormation
	Path           string            `json:"path"`  // construct path
	Region         string            `json:"region"`
	After          []string          `json:"after"` // stacks that are deployed before it
	Intent         Intent            `json:"intent"`
	Status         string            `json:"status,omitempty"`    // in CloudFormation, before the deployment
	Because        string            `json:"because,omitempty"`   // why it changes, waits or is blocked
	Hint           string            `json:"hint,omitempty"`      // how to unblock it
	ChangeSet      string            `json:"changeSet,omitempty"` // ARN
	StackID        string            `json:"stackId,omitempty"`   // ARN
	Digest         string            `json:"digest,omitempty"`    // of all inputs of the change set
	TemplateDigest string            `json:"templateDigest,omitempty"`
	Protection     *bool             `json:"terminationProtection,omitempty"` // new value, if it changes
	DeployRole     string            `json:"deployRole,omitempty"`
	ExecutionRole  string            `json:"executionRole,omitempty"`
	Changes        []PlannedChange   `json:"changes"`
	Broader        []diff.Broadening `json:"broader"`

	err error // of a stack that is blocked
}

// PlannedChange is one resource that changes.
type PlannedChange struct {
	Action     string        `json:"action"` // add, modify, replace, may replace, remove, import, or another action of CloudFormation
	LogicalID  string        `json:"logicalId"`
	Nested     []string      `json:"nested,omitempty"` // logical ids of the nested stacks around it, outermost first
	Type       string        `json:"type"`
	Path       string        `json:"path,omitempty"` // construct path
	Properties []diff.Change `json:"properties,omitempty"`
}

// PlannedAsset is one asset of a plan.
type PlannedAsset struct {
	Stack  string `json:"stack"`
	Asset  string `json:"asset"`
	To     string `json:"to"`
	Image  bool   `json:"image"`
	Exists bool   `json:"there"` // it is published already
	Role   string `json:"role,omitempty"`
}

// executable reports whether the execution of a plan covers the stack.
func (s PlannedStack) executable() bool {
	return s.Intent == WillCreate || s.Intent == WillUpdate || s.Intent == WillKeep
}

// settle sets the fields that are derived from the stacks.
func (p *Plan) settle() {
	p.Complete, p.Broader = true, false
	for _, s := range p.Stacks {
		p.Complete = p.Complete && s.executable()
		p.Broader = p.Broader || len(s.Broader) > 0
	}
}
