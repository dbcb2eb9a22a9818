package planned

import (
	"cmp"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/diff"
)

// Plan is what a deployment of an environment would do. Its JSON form is what
// --plan-file writes, --execute-plan reads, and the check of a pull request stores.
type Plan struct {
	Version     int      `json:"version"` // of this form: 1
	Environment string   `json:"environment"`
	Account     string   `json:"account"`
	Region      string   `json:"region"`
	Commit      string   `json:"commit"`
	Basis       Basis    `json:"basis,omitempty"` // what it was made of: changeSets or templates
	Concurrency int      `json:"concurrency"`
	Complete    bool     `json:"complete"` // it covers everything to deploy
	PreDeploy   []string `json:"preDeploy"`
	PostDeploy  []string `json:"postDeploy"`
	Stacks      []Stack  `json:"stacks"` // in the order of deployment
	Assets      []Asset  `json:"assets"`
	Broader     bool     `json:"broader"`           // permissions or networks become broader
	Destructive bool     `json:"destructive"`       // resources that keep data are replaced, or removed with it
	Gates       []Gate   `json:"gates,omitempty"`   // what a deployment waits for
	Problem     string   `json:"problem,omitempty"` // why the environment could not be planned
	Hint        string   `json:"hint,omitempty"`    // what to do about the problem

	Kept bool `json:"-"` // the change sets exist and can be executed
}

// Version is the version of the JSON form that this program writes and reads.
const Version = 1

// Schema is the URL of the JSON Schema of a plan.
const Schema = "https://raw.githubusercontent.com/aphex/aphex-pipeline/main/schema/plan.schema.json"

// Basis is what a plan was made of.
type Basis string

const (
	// FromChangeSets is for a plan of change sets, by CloudFormation itself.
	FromChangeSets Basis = "changeSets"
	// FromTemplates is for a comparison of templates, for which nothing is created.
	FromTemplates Basis = "templates"
)

// Gate is what a deployment of the environment waits for.
type Gate struct {
	Gate   string `json:"gate"`   // its name, such as approval
	Reason string `json:"reason"` // why it is closed
}

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
	// WillDestroy is for a stack that an earlier run deployed and no environment deploys any
	// more: it is deleted once all others are deployed. A plan does not execute it.
	WillDestroy Intent = "destroy"
	// WillLeave is for such a stack that stays.
	WillLeave Intent = "leave"
)

// Stack is one stack of a plan.
type Stack struct {
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
	Warnings       []string          `json:"warnings,omitempty"` // of early validation and hooks, which stop nothing
	Changes        []Resource        `json:"changes"`
	Broader        []diff.Broadening `json:"broader"`
}

// Resource is one resource that changes.
type Resource struct {
	Action     string        `json:"action"` // add, modify, replace, may replace, remove, may remove, import, or another action of CloudFormation
	LogicalID  string        `json:"logicalId"`
	Nested     []string      `json:"nested,omitempty"` // logical ids of the nested stacks around it, outermost first
	Type       string        `json:"type"`
	Path       string        `json:"path,omitempty"` // construct path
	Properties []diff.Change `json:"properties,omitempty"`
	Causes     []string      `json:"causes,omitempty"` // properties whose change replaces it
	// Data is what becomes of the data of a resource that keeps some and is replaced or removed:
	// deleted, retained or snapshot. A replacement begins without it.
	Data diff.Kept `json:"data,omitempty"`
}

// Actions of changes that take a resource away.
const (
	Replace    = "replace"
	MayReplace = "may replace"
	Remove     = "remove"
	MayRemove  = "may remove"
)

// Asset is one asset of a plan.
type Asset struct {
	Stack  string `json:"stack"`
	Asset  string `json:"asset"`
	To     string `json:"to"`
	Image  bool   `json:"image"`
	Exists bool   `json:"there"` // it is published already
	Role   string `json:"role,omitempty"`
}

// Executable reports whether the execution of a plan covers the stack.
func (s Stack) Executable() bool {
	return s.Intent == WillCreate || s.Intent == WillUpdate || s.Stays()
}

// Stays reports whether a deployment does nothing with the stack.
func (s Stack) Stays() bool { return s.Intent == WillKeep || s.Intent == WillLeave }

// Removed reports whether no environment deploys the stack any more.
func (s Stack) Removed() bool { return s.Intent == WillDestroy || s.Intent == WillLeave }

// Name returns the construct path of a resource, or else its logical ids.
func (c Resource) Name() string {
	return cmp.Or(c.Path, strings.Join(append(slices.Clone(c.Nested), c.LogicalID), "/"))
}

// TakesAway reports whether the resource is removed or replaced, or may be.
func (c Resource) TakesAway() bool {
	return slices.Contains([]string{Replace, MayReplace, Remove, MayRemove}, c.Action)
}

// Destroys reports whether what uses the data of the resource loses it: a replacement is
// empty, whatever becomes of the former resource.
func (c Resource) Destroys() bool {
	removed := c.Action == Remove || c.Action == MayRemove
	return c.Data != "" && !(removed && c.Data == diff.Retained)
}

// Settle sets the fields that are derived from the stacks.
func (p *Plan) Settle() {
	p.Complete, p.Broader, p.Destructive = p.Problem == "", false, false
	for _, s := range p.Stacks {
		p.Complete = p.Complete && s.Executable()
		p.Broader = p.Broader || len(s.Broader) > 0
		p.Destructive = p.Destructive || slices.ContainsFunc(s.Changes, Resource.Destroys)
	}
}

// Changes reports whether a deployment would change anything, as far as is known.
func (p *Plan) Changes() bool {
	return p.Problem != "" || slices.ContainsFunc(p.Stacks, func(s Stack) bool { return !s.Stays() })
}

// Stack returns a stack by its name in the outputs.
func (p *Plan) Stack(name string) (Stack, bool) {
	at := slices.IndexFunc(p.Stacks, func(s Stack) bool { return s.Stack == name })
	if at < 0 {
		return Stack{}, false
	}
	return p.Stacks[at], true
}

// Against returns what speaks against the plan, of the reasons for which a check fails.
func (p *Plan) Against(reasons []config.PlanReason) (found []config.PlanReason) {
	if p.Broader && slices.Contains(reasons, config.Broadening) {
		found = append(found, config.Broadening)
	}
	if p.Destructive && slices.Contains(reasons, config.Destructive) {
		found = append(found, config.Destructive)
	}
	return found
}
