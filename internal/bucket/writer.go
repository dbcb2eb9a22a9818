package bucket

// Writer is an identity of a pipeline that writes to its bucket.
type Writer string

// The identities that write.
const (
	Validation Writer = "validation"
	Build      Writer = "build"
	Update     Writer = "update of the pipeline"
	Deployment Writer = "deployment and tests"
	Recording  Writer = "record of the run"
)

// stepsOf are the steps whose records a writer writes, as IAM patterns.
var stepsOf = map[Writer][]string{
	Validation: {"validate*", "plan*"}, Build: {"build*"}, Update: {"pipeline*"}, Deployment: {"deploy-*", "test-*"}, Recording: {"record*", "gate-*"},
}

// writersInOrder are all writers, in the order of a run.
var writersInOrder = []Writer{Validation, Build, Update, Deployment, Recording}

// Mode is how documents of a kind are written.
type Mode string

// The modes.
const (
	// Once is for what nobody overwrites: every write has the condition that there is none.
	Once Mode = "once"
	// State is for what follows from the document before: every write has the condition
	// that this one is still there.
	State Mode = "as state"
	// Again is for what every run of a commit writes anew.
	Again Mode = "by each run of the commit"
)
