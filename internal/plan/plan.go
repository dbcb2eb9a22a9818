package plan

import "github.com/aphex/aphex-pipeline/internal/stage/contract"

// Plan is a pipeline as data.
type Plan struct {
	Steps []Step // every step comes after those that it waits for: those of the commit, the pipeline's own, the environments'
	Check []Step // what a pull request runs: validates its commit, and deploys nothing
	Exit  Step   // runs at the end of every run, whatever became of it
	Watch *Watch // nil without a reconciler
}

// Watch is the reconciler, which starts runs for pushes whose webhook never arrived, and its schedule.
type Watch struct {
	Step
	Schedule string // five cron fields, UTC
}

// Step is one node of the graph: a stage to run, or a gate before an environment.
type Step struct {
	Name        string            // unique in the plan: "build", "deploy-dev"
	Title       string            // for people: "Deploy dev"
	Environment string            // that it is about; empty in those before the environments
	Contract    contract.Contract // of the stage; the zero Contract at a gate
	Gate        *Gate             // that the step waits at instead of running a stage; nil of a stage
	Inputs      []Input           // in the order of the contract
	After       []string          // names of the steps that must have succeeded
	Identity    Identity          // whose rights it runs with
	Pod         string            // name of the earlier step in whose pod it runs, after it; empty for a pod of its own
}

// Identity is the identity whose rights a step runs with.
type Identity int

const (
	// Deployer may deploy to the environments, and update the pipeline itself.
	Deployer Identity = iota
	// Builder runs the repository's build and may only store its artifacts.
	Builder
	// Reconciler reads the branch and the records of runs, and starts runs.
	Reconciler
)

// Input is one input of a step and where its value comes from.
type Input struct {
	contract.Param
	Source Source
}

// Kind is the kind of a Source.
type Kind int

const (
	// Literal is a value that is known when the plan is made.
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

// Source is where the value of an input comes from.
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
	RunCreated  = "created"  // RFC 3339, UTC: when the run was asked for
	RunTemplate = "template" // the version of the template that the run is of
)

// Parameters of the workflow, as the event of a push fills them.
const (
	CommitSHA = "commit-sha" // 40 or 64 hexadecimal digits
	Branch    = "branch"     // name of the branch, without refs/heads/
	RepoURL   = "repo-url"   // https URL to clone from
	RepoName  = "repo-name"  // owner/name
	Pusher    = "pusher"     // login of who pushed
)

// Parameters of a run that another one handed over to it. They are empty in any other.
const (
	Artifact = "artifact" // key of the built workspace in the bucket
	Digest   = "digest"   // of the artifact, as sha256:<hex>
	// ConfigDigest is the digest of the configuration file of the commit, as sha256:<hex>.
	ConfigDigest = "config-digest"
	Gates        = "gates"  // environments that wait for an approval whatever the commit says, separated by spaces
	Origin       = "origin" // name of the run that handed over
)

// NoApproval is the output of the pipeline's own step that opens the gate Approval.
const NoApproval = "no-approval"

// Parameters lists the parameters that every run is given, in their fixed order.
func Parameters() []string { return []string{CommitSHA, Branch, RepoURL, RepoName, Pusher} }

// HandedOver lists the parameters that only a run is given that another one
// handed over to it, in their fixed order.
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

// Place is where the pipeline itself lives.
type Place struct {
	Account string // AWS account of the pipeline itself, 12 digits
	Region  string // AWS region of the pipeline and of its bucket
	Bucket  string // name of the artifact bucket
	Config  string // path of the configuration file in the repository
}
