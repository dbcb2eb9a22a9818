package config

// Config is a whole pipeline, as `aphex-config.yaml` declares it.
type Config struct {
	// The version of the file's format.
	Version string `json:"version" need:"always" rule:"version" example:"\"1.0\""`

	// The CDK stacks of the application, to be named by the environments.
	// May be left out when every environment writes its stacks inline.
	Stacks []Stack `json:"stacks,omitempty"`

	// Where the application is deployed: one entry is one deployment target.
	// The list is a sequence, unless an environment says otherwise with `after`.
	Environments []Environment `json:"environments" need:"always"`

	// How the application is built, once for all environments.
	Build Build `json:"build,omitzero"`

	// The GitHub user or organisation that owns the repository.
	GithubOwner string `json:"githubOwner,omitempty" need:"cluster" rule:"githubOwner" example:"my-org"`

	// The name of the GitHub repository, without its owner.
	GithubRepo string `json:"githubRepo,omitempty" need:"cluster" rule:"githubRepo" example:"my-app"`

	// The branch whose pushes start a deployment.
	GithubBranch string `json:"githubBranch,omitempty" default:"main" rule:"branch"`

	// The name of the secret in AWS Secrets Manager that holds the GitHub token
	// as `{"token": "…"}`. A public repository is read without one.
	GithubTokenSecretName string `json:"githubTokenSecretName,omitempty" rule:"secretName" example:"github-token"`

	// The name of the EKS cluster that runs the pipeline.
	ClusterName string `json:"clusterName,omitempty" need:"cluster" rule:"clusterName" example:"company-pipelines"`

	// What the names of the cluster's CloudFormation exports begin with.
	ClusterExportPrefix string `json:"clusterExportPrefix,omitempty" derived:"AphexCluster-<clusterName>-" rule:"exportPrefix"`

	// The name of the pipeline, and the beginning of the name of its Argo
	// WorkflowTemplate: each version of it gets two digits more.
	WorkflowTemplateName string `json:"workflowTemplateName,omitempty" follows:"githubRepo" derived:"<githubRepo>" rule:"templateName"`

	// The name of the pipeline's Argo EventSource, which receives GitHub's webhooks.
	EventSourceName string `json:"eventSourceName,omitempty" follows:"workflowTemplateName" derived:"<workflowTemplateName>" rule:"eventSourceName"`

	// The name of the pipeline's Argo Sensor, which starts a run for a webhook.
	SensorName string `json:"sensorName,omitempty" follows:"workflowTemplateName" derived:"<workflowTemplateName>-sensor" rule:"kubernetesName"`

	// The name of the Kubernetes ServiceAccount that deploys.
	ServiceAccountName string `json:"serviceAccountName,omitempty" follows:"workflowTemplateName" derived:"<workflowTemplateName>-deploy" rule:"kubernetesName"`

	// What the names of the pipeline's runs begin with; 32 digits of the commit follow.
	WorkflowNamePrefix string `json:"workflowNamePrefix,omitempty" follows:"workflowTemplateName" derived:"<workflowTemplateName>-" rule:"namePrefix"`

	// The Kubernetes namespace in which runs happen.
	ArgoNamespace string `json:"argoNamespace,omitempty" default:"argo" rule:"namespace"`

	// The Kubernetes namespace of the EventSource and the Sensor.
	ArgoEventsNamespace string `json:"argoEventsNamespace,omitempty" default:"argo-events" rule:"namespace"`

	// The S3 bucket for artifacts, logs and the metadata of runs. `<account>` and
	// `<region>` in the default are those in which the pipeline itself runs.
	ArtifactBucketName string `json:"artifactBucketName,omitempty" follows:"workflowTemplateName" derived:"aphex-<workflowTemplateName>-<account>-<region>" rule:"bucketName"`

	// How many days artifacts are kept.
	ArtifactRetentionDays int `json:"artifactRetentionDays,omitempty" default:"90" min:"1"`

	// The image of the build stage.
	BuilderImage string `json:"builderImage,omitempty" default:"public.ecr.aws/aphex/builder:latest" rule:"image"`

	// The image of the pipeline and environment stages.
	DeployerImage string `json:"deployerImage,omitempty" default:"public.ecr.aws/aphex/deployer:latest" rule:"image"`

	// The image of the test stage.
	TesterImage string `json:"testerImage,omitempty" default:"public.ecr.aws/aphex/tester:latest" rule:"image"`

	// The image of the validation stage.
	ValidatorImage string `json:"validatorImage,omitempty" default:"public.ecr.aws/aphex/validator:latest" rule:"image"`

	// The Kubernetes Service in front of the webhook; `None` where an ingress of
	// your own leads to it.
	WebhookService WebhookService `json:"webhookService,omitempty" default:"LoadBalancer" oneof:"LoadBalancer,NodePort,ClusterIP,None"`

	// Keys that the CDK context must have, so that synthesis looks nothing up.
	RequiredContext []string `json:"requiredContext,omitempty" rule:"contextKey" example:"[\"availability-zones:account=111111111111:region=eu-west-1\"]"`

	// Whether the CDK CLI may look up context that `cdk.context.json` lacks, such as
	// availability zones or a VPC, in the environment's account when it is deployed.
	// What it finds is used by that run alone, so that two runs of one commit may
	// differ: a committed `cdk.context.json` is better.
	Lookups bool `json:"lookups,omitempty" default:"false"`

	// The CDK stack of the pipeline itself, if the repository has one. It is
	// deployed before the environments, in the pipeline's own account.
	PipelineStack *Stack `json:"pipelineStack,omitempty"`

	// How the pipeline updates itself.
	SelfUpdate SelfUpdate `json:"selfUpdate,omitzero"`

	// When to look for a push whose webhook never arrived, as a cron schedule in
	// UTC: a head of the branch that had no run gets one. `""` never looks.
	ReconcileSchedule string `json:"reconcileSchedule" default:"*/15 * * * *" rule:"cron" empty:"allowed" example:"\"0 * * * 1-5\""`

	leftOut map[string]bool // keys of names that nothing gives, and that follow from others
}

// Stack is a CDK stack of the application, or several that a pattern names.
type Stack struct {
	// The stack's name, its construct path such as `Prod/Api`, or a pattern of
	// construct paths as `cdk deploy` takes it: `*` and `?` stay within one level,
	// `**` stands for any number of levels, `{a,b}` is one of these texts. A pattern
	// means all stacks of the app that match and are for the environment's account,
	// but for those that the environment lists otherwise.
	Name string `json:"name" need:"always" rule:"stackName" example:"ApiStack"`

	// The stack's source file, or the folder of its CDK app, relative to the
	// repository. The app is the nearest folder upwards that has a `cdk.json`.
	Path string `json:"path,omitempty" derived:"the folder of this file" rule:"path" example:"lib/api-stack.ts"`

	// Which stacks must be deployed before this one, in every environment that
	// deploys both, as they are written in `name`.
	DependsOn []string `json:"dependsOn,omitempty" rule:"stackName" example:"[DatabaseStack]"`
}

// Environment is one target of deployment: an account, a region, and what goes there.
type Environment struct {
	// The environment's name, which becomes part of the names of its steps.
	Name string `json:"name" need:"always" rule:"environmentName" example:"dev"`

	// The AWS account.
	Account string `json:"account" need:"always" rule:"account" example:"\"111111111111\""`

	// The AWS region; every partition has its own.
	Region string `json:"region" need:"always" rule:"region" example:"eu-west-1"`

	// The stacks to deploy, in order. Each is the name of a stack of the top-level
	// `stacks`, or a stack written inline.
	Stacks []Stack `json:"stacks" need:"always" also:"name" example:"[DatabaseStack, ApiStack]"`

	// Tests to run after the deployment. A command that fails ends the run, and so
	// does a failed test in a JUnit report that the commands leave.
	Tests *Tests `json:"tests,omitempty"`

	// Commands to run before and after the deployment.
	Hooks Hooks `json:"hooks,omitzero"`

	// Whether a person must approve each deployment to this environment.
	RequiresApproval bool `json:"requiresApproval,omitempty" default:"false"`

	// Names of the environments that must be finished before this one starts.
	// Left out, it is the one before it in the list; `[]` waits for none.
	After []string `json:"after" derived:"the environment before" empty:"allowed" rule:"environmentName" example:"[dev]"`

	// How many stacks may be deployed at once. With 1 they are deployed in the
	// listed order, with more in the order that their dependencies demand.
	Concurrency int `json:"concurrency,omitempty" default:"1" min:"1"`

	// What becomes of a stack whose deployment fails: it is rolled back to how it
	// was, or stopped as it is, to be looked at and deployed to again
	// (`cdk deploy --no-rollback`).
	OnFailure StackFailure `json:"onFailure,omitempty" default:"rollback" oneof:"rollback,stop"`

	// Values for parameters of the stacks' templates, as `cdk deploy --parameters`
	// takes them: `Key: value` for every stack that has the parameter, or
	// `Stack: {Key: value}` for the stacks of a name, construct path or pattern. A
	// value stays in CloudFormation when it is not given any more.
	Parameters map[string]Parameter `json:"parameters,omitempty" keys:"parameterKey" example:"{LogLevel: info, ApiStack: {DesiredCount: 3}}"`

	// Context for the synthesis of the CDK apps, over that of `cdk.json` and
	// `cdk.context.json`, as `cdk --context` gives it, but of any type.
	Context map[string]any `json:"context,omitempty" keys:"ownContextKey" example:"{stage: dev, zones: 2}"`

	// Variables for the commands of this environment: the CDK apps, hooks, tests and
	// the building of image assets. They are no place for secrets: the file is in the repository.
	Env map[string]string `json:"env,omitempty" keys:"variable" example:"{STAGE: dev, LOG_LEVEL: debug}"`

	// SNS topics that CloudFormation tells of each stack's events, beside those of
	// the stacks themselves.
	NotificationARNs []string `json:"notificationArns,omitempty" rule:"topicArn" example:"[arn:aws:sns:eu-west-1:111111111111:deployments]"`

	// An own role to assume in the account, instead of the CDK bootstrap roles. Its trust
	// policy allows the pipeline's role `sts:AssumeRole` and `sts:TagSession`, as every
	// session is tagged with `aphex:environment`, `aphex:commit` and `aphex:run`.
	RoleARN string `json:"roleArn,omitempty" rule:"roleArn" example:"arn:aws:iam::111111111111:role/AphexPipelineCrossAccountRole"`

	// The external id that `roleArn` asks for. Bootstrap roles never get one.
	ExternalID string `json:"externalId,omitempty" rule:"externalId" example:"my-app-pipeline"`
}

// Tests is what is run to test an environment after its deployment.
type Tests struct {
	// Shell commands, run in order in the workspace. The stack outputs are in the
	// file that `STACK_OUTPUTS` names.
	Commands []string `json:"commands" need:"always" rule:"command" example:"[npm run integration-test]"`

	// Whether the run goes on when the commands succeed and the JUnit reports that
	// they leave hold failed tests.
	AllowFailures bool `json:"allowFailures,omitempty" default:"false"`
}

// Hooks are commands around the deployment of an environment. Like the deployment
// they run again when their pod is lost, or when its stages end with a temporary
// fault: let them be safe to repeat.
type Hooks struct {
	// Shell commands, run in order before the environment's first stack.
	PreDeploy []string `json:"preDeploy,omitempty" rule:"command" example:"[./scripts/check-quota.sh]"`

	// Shell commands, run in order after the environment's last stack.
	PostDeploy []string `json:"postDeploy,omitempty" rule:"command" example:"[./scripts/warm-up.sh]"`
}

// Build is how the application is built.
type Build struct {
	// Shell commands, run in order in the workspace.
	Commands []string `json:"commands,omitempty" rule:"command" example:"[npm ci, npm run build]"`

	// Files and folders that the build leaves, relative to the repository. `*`
	// stands for any part of a name.
	Artifacts []string `json:"artifacts,omitempty" default:"artifacts" rule:"path" example:"[dist, \"reports/*.xml\"]"`
}

// SelfUpdate is how the pipeline follows a change of its own declaration.
type SelfUpdate struct {
	// Whether a run goes on with the last good template when the pipeline could
	// not be updated, or stops. Either way it says so.
	OnFailure OnFailure `json:"onFailure,omitempty" default:"continue" oneof:"continue,stop"`
}

// WebhookService is the kind of Kubernetes Service in front of the webhook.
type WebhookService string

// The values of WebhookService.
const (
	LoadBalancer WebhookService = "LoadBalancer"
	NodePort     WebhookService = "NodePort"
	ClusterIP    WebhookService = "ClusterIP"
	NoService    WebhookService = "None"
)

// StackFailure says what becomes of a stack whose deployment fails.
type StackFailure string

// The values of StackFailure.
const (
	RollBackStack StackFailure = "rollback"
	StopStack     StackFailure = "stop"
)

// OnFailure says what a run does when the pipeline's update of itself fails.
type OnFailure string

// The values of OnFailure.
const (
	Continue OnFailure = "continue"
	Stop     OnFailure = "stop"
)
