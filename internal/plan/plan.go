package plan

import "github.com/aphex/aphex-pipeline/internal/stage/contract"

// Plan is a pipeline as data.
type Plan struct {
	Steps []Step // in topological order: those of the commit, the pipeline's own, the environments'
	Check []Step // steps of a pull request: validate its commit and plan what it would change, and deploy nothing
	Exit  Step   // runs at the end of every run, whether it succeeded or failed
	Watch *Watch // nil without a reconciler
	Skips bool   // whether the output Skipped of the validation can end a run
}

// Watch is the reconciler, which starts runs for pushes whose webhook never arrived and
// those of triggers.schedule, and its schedules.
type Watch struct {
	Step
	Schedule string // five cron fields, in UTC or the zone of Again; may be empty if Again is not
	Again    string // triggers.schedule, as [Again] writes it; may be empty
}

// Step is one node of the graph: a stage to run, or a gate before an environment.
type Step struct {
	Name        string            // unique in the plan: "build", "deploy-dev"
	Title       string            // for people: "Deploy dev"
	Environment string            // empty in steps before the environments
	Contract    contract.Contract // of the stage
	Unless      string            // output of the pipeline's own step that lists the environments which skip the step
	Inputs      []Input           // in the order of the contract
	After       []string          // names of the steps that must have succeeded
	Identity    Identity          // whose permissions it has
	Access      Access            // of a Deployer: what it may enter; of others zero
	Cluster     bool              // whether it calls the API of its cluster
	Commands    bool              // whether it runs commands of the repository, or synthesizes its app
	Pod         string            // name of the earlier step in whose pod it runs; empty for its own pod
}

// Identity is the identity that a step runs as.
type Identity int

const (
	// Recorder records runs.
	Recorder Identity = iota
	// Validator reads the repository and looks into the accounts of the environments.
	Validator
	// Builder runs the repository's build and may only store its artifacts.
	Builder
	// Updater updates the pipeline itself, and looks into the accounts of the environments.
	Updater
	// Deployer deploys to and tests the environments of one [Access].
	Deployer
	// Reconciler reads the branch and the records of runs, and starts runs.
	Reconciler
)

// Input is one input of a step with the source of its value.
type Input struct {
	contract.Param
	Source Source
}

// Kind is the kind of a Source.
type Kind int

const (
	// Literal is a constant value.
	Literal Kind = iota
	// Parameter is a parameter of the workflow, taken from the push.
	Parameter
	// Output is an output of an earlier step.
	Output
	// Run is a fact about the run itself.
	Run
	// File is a file that the steps of one pod share.
	File
)

// Source is the source of the value of an input.
type Source struct {
	Kind Kind
	Step string // of an Output: the step
	Text string // the value, or the name of the parameter, output, fact or file
}

// Facts about a run, for sources of kind Run.
const (
	RunName     = "name"     // the workflow's name
	RunStatus   = "status"   // Succeeded, Failed or Error; only in the exit step
	RunFailures = "failures" // JSON list of the failed nodes; only in the exit step
	RunCreated  = "created"  // RFC 3339, UTC: when the workflow was created
	RunEntry    = "entry"    // template that the run began with, such as CheckEntry
	RunTemplate = "template" // version of the run's template
)

// CheckEntry is the template that the check of a pull request begins with.
const CheckEntry = "check"

// Parameters of the workflow, set by the event of a push.
const (
	CommitSHA = "commit-sha" // 40 or 64 hexadecimal digits
	Branch    = "branch"     // name of the branch, without refs/heads/
	RepoURL   = "repo-url"   // https URL to clone from
	RepoName  = "repo-name"  // owner/name
	Pusher    = "pusher"     // login of the pusher
)

// Parameters of a successor run; empty in any other.
const (
	Artifact = "artifact" // key of the built workspace in the bucket
	Digest   = "digest"   // of the artifact, as sha256:<hex>
	// ConfigDigest is the digest of the configuration file of the commit, as sha256:<hex>.
	ConfigDigest = "config-digest"
	Gates        = "gates"  // environments that wait for an approval regardless of the commit, separated by spaces
	Origin       = "origin" // name of the run that handed over
)

// PullRequest is the parameter with the number of the pull request that a check plans; empty in
// any other run.
const PullRequest = "pull-request"

// Skipped is the output of the validation that ends a run unless it is empty.
const Skipped = "skipped"

// NoApproval is the output of the pipeline's own step that lists the environments which wait for no
// approval, in the format of [List].
const NoApproval = "no-approval"

// Parameters lists the parameters of every run, in their fixed order.
func Parameters() []string { return []string{CommitSHA, Branch, RepoURL, RepoName, Pusher} }

// HandedOver lists the parameters of successor runs only, in their fixed order.
func HandedOver() []string { return []string{Artifact, Digest, ConfigDigest, Gates, Origin} }

// Stages are the contracts of the stages that a pipeline consists of.
type Stages []contract.Contract

// Named returns the contract of a stage by its name, such as "deployer-pipeline".
func (s Stages) Named(name string) (contract.Contract, bool) {
	for _, c := range s {
		if c.Name() == name {
			return c, true
		}
	}
	return contract.Contract{}, false
}

// Place is the location of the pipeline itself.
type Place struct {
	Account string // AWS account of the pipeline itself, 12 digits
	Region  string // AWS region of the pipeline and of its bucket
	Bucket  string // name of the artifact bucket
	Config  string // path of the configuration file in the repository
	Images  Images // that the pipeline's own stages run in
}
