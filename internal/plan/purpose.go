package plan

// Purpose is what a person wants of a run that no push started. A run of a push has none.
type Purpose string

// The purposes. All but ToStart deploy an artifact that an earlier run built.
const (
	// ToRollBack deploys a commit that was proven in the environment before the present one.
	// Of all runs, these alone deploy an older commit over a newer one.
	ToRollBack Purpose = "rollback"
	// ToRedeploy deploys the commit that an environment has, or the one that was rolled back there.
	ToRedeploy Purpose = "redeploy"
	// ToPromote deploys the commit that another environment has.
	ToPromote Purpose = "promote"
	// ToRetry deploys the commit of a run to the environments that the run did not get to.
	ToRetry Purpose = "retry"
	// ToOverride lets another run pass gates of an environment. It deploys nothing itself.
	ToOverride Purpose = "override"
	// ToApprove approves that another run deploys to an environment, and ToReject refuses that.
	// Both deploy nothing themselves.
	ToApprove Purpose = "approve"
	ToReject  Purpose = "reject"
	// ToStart runs a commit from its beginning, as its push would.
	ToStart Purpose = "start"
)

// Builds reports whether a run of the purpose builds its commit, and updates the pipeline to it.
func (p Purpose) Builds() bool { return p == "" || p == ToStart }

// Deploys reports whether a run of the purpose deploys. The others say something about another run.
func (p Purpose) Deploys() bool { return p != ToOverride && !p.Decides() }

// Decides reports whether a run of the purpose approves or rejects a deployment of another one.
func (p Purpose) Decides() bool { return p == ToApprove || p == ToReject }

// Parameters of a run that a person asked for; empty in any other. The pusher of such a run
// is the person.
const (
	RunPurpose = "purpose" // a [Purpose]
	Only       = "only"    // environments that the run deploys, separated by spaces; empty is all
	Reason     = "reason"  // why the person asked for it, on one line
)

// Asked lists the parameters of runs that a person asked for, in their fixed order.
func Asked() []string { return []string{RunPurpose, Only, Reason} }

// Parameters of a run that says something about another one; empty in any other.
const (
	Target   = "target"   // the other run
	Override = "override" // names of the gates, separated by spaces
)

// Overriding lists these parameters, in their fixed order.
func Overriding() []string { return []string{Target, Override} }

// LeftOut is the output of the pipeline's own step that lists the environments which the
// run does not deploy, in the format of [List].
const LeftOut = "left-out"
