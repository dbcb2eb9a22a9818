package config

// Environment is one deployment target: an account, a region and the stacks to deploy.
type Environment struct {
	// The environment's name. It is part of the names of its steps.
	Name string `json:"name" need:"always" rule:"environmentName" example:"dev"`

	// The AWS account.
	Account string `json:"account" need:"always" rule:"account" example:"\"111111111111\""`

	// The AWS region, of any partition.
	Region string `json:"region" need:"always" rule:"region" example:"eu-west-1"`

	// Further regions that the environment's stacks and assets may be in. `region` is
	// always one, and in the commercial partition so is `us-east-1`, where CloudFront
	// has its certificates. A stack in any other region is refused.
	Regions []string `json:"regions,omitempty" rule:"region" example:"[eu-central-1]"`

	// The qualifiers of the CDK bootstraps that the stacks use. A role, bucket or
	// repository of another bootstrap is refused. The pipeline looks things up with
	// the lookup role of the first one.
	BootstrapQualifiers []string `json:"bootstrapQualifiers,omitempty" default:"hnb659fds" rule:"qualifier" example:"[shop]"`

	// The stacks to deploy, in order. Each is the name of a stack of the top-level
	// `stacks`, or a stack written inline.
	Stacks []Stack `json:"stacks,omitempty" need:"top" also:"name" derived:"all stacks of the top level" example:"[DatabaseStack, ApiStack]"`

	// Tests to run after the deployment. A failed command ends the run, and so does a
	// failed test in a JUnit report that the commands write.
	Tests *Tests `json:"tests,omitempty" section:"Commands and order"`

	// Commands to run before and after the deployment.
	Hooks Hooks `json:"hooks,omitzero"`

	// The environments that must finish before this one starts. The default is the
	// environment before it in the list; `[]` waits for none.
	After []string `json:"after" derived:"the environment before" empty:"allowed" rule:"environmentName" example:"[dev]"`

	// How many stacks to deploy at once. With 1 they are deployed in the listed order,
	// with more in the order of their dependencies.
	Concurrency int `json:"concurrency,omitempty" default:"1" min:"1"`

	// What happens to a stack whose deployment fails: `rollback` returns it to its
	// last stable state, `stop` keeps it as it is, to inspect it and deploy again
	// (`cdk deploy --no-rollback`).
	OnFailure StackFailure `json:"onFailure,omitempty" section:"Failed and removed stacks" default:"rollback" oneof:"rollback,stop"`

	// The ARNs of CloudWatch alarms that roll a deployment back, at most 5: while one of them is
	// in the state ALARM as a stack of its region is deployed, or in the time afterwards, that
	// stack returns to its last stable state. CloudFormation keeps the alarms of a stack if the
	// key is left out; `[]` removes them. An alarm must exist before the stack.
	RollbackAlarms []string `json:"rollbackAlarms,omitzero" empty:"allowed" rule:"alarmArn" example:"[arn:aws:cloudwatch:eu-west-1:111111111111:alarm:errors]"`

	// For how many minutes `rollbackAlarms` are watched once the resources of a stack are
	// deployed, at most 180. Without it they are watched during its deployment alone.
	MonitoringMinutes int `json:"monitoringMinutes,omitempty" min:"1" example:"10"`

	// Whether a stack adopts resources that exist already outside of any stack, with the names
	// that the app gives them (`cdk deploy --import-existing-resources`). Each needs a deletion
	// policy that retains it, such as `RemovalPolicy.RETAIN`.
	ImportExistingResources bool `json:"importExistingResources,omitempty" default:"false"`

	// What happens to a stack that an earlier run deployed to this environment and that no
	// environment deploys any more: `report` names it, `destroy` deletes it once the environment
	// was deployed, unless it is protected from deletion. A rollback deletes none.
	OnRemovedStack RemovedStack `json:"onRemovedStack,omitempty" default:"report" oneof:"report,destroy"`

	// Whether a person must approve each deployment to this environment. A commit that
	// takes it away, and those after it, wait until a person approves one more.
	RequiresApproval bool `json:"requiresApproval,omitempty" section:"Gates" default:"false"`

	// Whether a deployment to this environment refuses an artifact whose provenance the key of
	// `signing` did not sign. Artifacts that were built before `signing` was there have none.
	RequireProvenance bool `json:"requireProvenance,omitempty" default:"false"`

	// When a deployment to this environment may begin. A run waits for the next window, at
	// most six days. Without any it may begin at any time.
	Windows []Window `json:"windows,omitempty" example:"[{days: [mon-thu], from: \"09:00\", to: \"16:00\", timezone: Europe/Berlin}]"`

	// When no deployment to this environment begins, whatever its windows. A run waits as
	// for a window.
	Freezes []Freeze `json:"freezes,omitempty" example:"[{from: \"2026-12-18\", until: \"2027-01-04\", why: the year ends}]"`

	// What holds a deployment to this environment once its change sets are there and before
	// one is executed: `broadening` for more permissions or network openings, `stateful` for
	// a resource that keeps data and is replaced or removed. The run ends, and a person opens
	// the gate with `generator override`.
	HoldOn []PlanGate `json:"holdOn,omitempty" oneof:"broadening,stateful" example:"[broadening, stateful]"`

	// The logical ids of resources that may be replaced or removed with what they keep,
	// although `holdOn` has `stateful`. Remove one again once it was deployed.
	Acknowledge []string `json:"acknowledge,omitempty" rule:"logicalId" example:"[OrdersTable315D1A2B]"`

	// The rules that what is going to be changed must follow. A deployment that breaks one is
	// held as by `holdOn`.
	Policy []Rule `json:"policy,omitempty" example:"[{rule: '!plan.destructive', message: nothing is lost here}]"`

	// Values for parameters of the stacks' templates, as in `cdk deploy --parameters`:
	// `Key: value` for every stack that has the parameter, or `Stack: {Key: value}`
	// for stacks by name, construct path or pattern. CloudFormation keeps a value
	// that is removed from this file.
	Parameters map[string]Parameter `json:"parameters,omitempty" section:"Values for the app" keys:"parameterKey" example:"{LogLevel: info, ApiStack: {DesiredCount: 3}}"`

	// Context for the synthesis of the CDK apps, as with `cdk --context`, but of any
	// type. It takes precedence over `cdk.json` and `cdk.context.json`.
	Context map[string]any `json:"context,omitempty" keys:"ownContextKey" example:"{stage: dev, zones: 2}"`

	// Environment variables for the commands of this environment: CDK apps, hooks,
	// tests and builds of image assets. Do not put secrets here: the file is in the
	// repository.
	Env map[string]string `json:"env,omitempty" keys:"variable" example:"{STAGE: dev, LOG_LEVEL: debug}"`

	// SNS topics to which CloudFormation sends the events of each stack, in addition
	// to the stacks' own topics.
	NotificationARNs []string `json:"notificationArns,omitempty" rule:"topicArn" example:"[arn:aws:sns:eu-west-1:111111111111:deployments]"`

	// A role of your own to assume in the account, instead of the CDK bootstrap roles.
	// Its trust policy must allow the pipeline's role `sts:AssumeRole` and
	// `sts:TagSession`, because every session is tagged with `aphex:environment`, `aphex:commit` and `aphex:run`.
	RoleARN string `json:"roleArn,omitempty" section:"Roles" rule:"roleArn" example:"arn:aws:iam::111111111111:role/AphexPipelineCrossAccountRole"`

	// A role of your own in the account for hooks and tests. Without it they get a lookup
	// session, which only reads what the context lookups of the CDK read. Its trust policy
	// must allow what that of `roleArn` must. It is another role than those that deploy, and
	// CDK apps never get it.
	CommandRoleARN string `json:"commandRoleArn,omitempty" rule:"roleArn" example:"arn:aws:iam::111111111111:role/ShopTests"`

	// The external id that `roleArn` and `commandRoleArn` require. It is never sent to bootstrap roles.
	ExternalID string `json:"externalId,omitempty" rule:"externalId" example:"my-app-pipeline"`
}
