package config

// WebhookService is the kind of Kubernetes Service in front of the webhook.
type WebhookService string

// The values of WebhookService.
const (
	LoadBalancer WebhookService = "LoadBalancer"
	NodePort     WebhookService = "NodePort"
	ClusterIP    WebhookService = "ClusterIP"
	NoService    WebhookService = "None"
)

// StackFailure describes what becomes of a stack whose deployment fails.
type StackFailure string

// The values of StackFailure.
const (
	RollBackStack StackFailure = "rollback"
	StopStack     StackFailure = "stop"
)

// RemovedStack describes what becomes of a stack that no environment deploys any more.
type RemovedStack string

// The values of RemovedStack.
const (
	ReportRemoved  RemovedStack = "report"
	DestroyRemoved RemovedStack = "destroy"
)

// OnFailure describes what a run does when the pipeline's update of itself fails.
type OnFailure string

// The values of OnFailure.
const (
	Continue OnFailure = "continue"
	Stop     OnFailure = "stop"
)

// Supersede is what happens to a run that waits for an environment when a newer run
// waits for it, too.
type Supersede string

// The values of Supersede.
const (
	SupersedeWaiting Supersede = "waiting"
	SupersedeNever   Supersede = "never"
)

// PullRequestPlan is how the check of a pull request plans what its commit would change.
type PullRequestPlan string

// The values of PullRequestPlan.
const (
	PlanTemplate PullRequestPlan = "template"
	PlanOff      PullRequestPlan = "off"
)

// PlanReason is a property of a plan for which the check of a pull request fails.
type PlanReason string

// The values of PlanReason.
const (
	Broadening  PlanReason = "broadening"
	Destructive PlanReason = "destructive"
)

// PlanGate is a property of a plan that holds its deployment until a person opens a gate.
type PlanGate string

// The values of PlanGate.
const (
	HoldBroadening PlanGate = "broadening"
	HoldStateful   PlanGate = "stateful"
)
