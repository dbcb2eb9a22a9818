package config

import (
	"fmt"
	"reflect"
)

// Config is a whole pipeline, as declared in `aphex-config.yaml`.
type Config struct {
	// The version of the file's format.
	Version string `json:"version" need:"always" rule:"version" example:"\"1.0\""`

	// The CDK stacks of the application, for the environments to name.
	// Not needed if every environment writes its stacks inline.
	Stacks []Stack `json:"stacks,omitempty"`

	// Where the application is deployed: one entry per deployment target.
	// They are deployed one after another, unless an environment sets `after`.
	Environments []Environment `json:"environments" need:"always"`

	// How the application is built. It is built once for all environments.
	Build Build `json:"build,omitzero"`

	// What is checked out beside the files of the commit.
	Checkout Checkout `json:"checkout,omitzero"`

	// The GitHub user or organisation that owns the repository.
	GithubOwner string `json:"githubOwner,omitempty" section:"The repository and the cluster" need:"cluster" rule:"githubOwner" example:"my-org"`

	// The name of the GitHub repository, without its owner.
	GithubRepo string `json:"githubRepo,omitempty" need:"cluster" rule:"githubRepo" example:"my-app"`

	// The host of the repository: that of GitHub Enterprise Server, if it is there. The
	// token is sent there, so that a commit cannot change it: `generator apply` does.
	GithubHost string `json:"githubHost,omitempty" default:"github.com" rule:"host" example:"github.example.com"`

	// The branch whose pushes start a deployment.
	GithubBranch string `json:"githubBranch,omitempty" default:"main" rule:"branch"`

	// Which pushes to `githubBranch` deploy, and what starts runs besides.
	Triggers Triggers `json:"triggers,omitzero"`

	// What the check of a pull request shows, and what it refuses.
	PullRequests PullRequests `json:"pullRequests,omitzero"`

	// The name of the secret in AWS Secrets Manager with the GitHub token, as
	// `{"token": "…"}`. A public repository needs none.
	GithubTokenSecretName string `json:"githubTokenSecretName,omitempty" rule:"secretName" example:"github-token"`

	// A GitHub App, in place of `githubTokenSecretName`: its tokens last an hour, and each is
	// for this repository alone, with the permissions that its step needs.
	GithubApp *GithubApp `json:"githubApp,omitempty"`

	// The name of the EKS cluster that runs the pipeline.
	ClusterName string `json:"clusterName,omitempty" need:"cluster" rule:"clusterName" example:"company-pipelines"`

	// The prefix of the cluster's CloudFormation exports.
	ClusterExportPrefix string `json:"clusterExportPrefix,omitempty" derived:"AphexCluster-<clusterName>-" rule:"exportPrefix"`

	// The name of the pipeline, and the prefix of the name of its Argo
	// WorkflowTemplate: each version appends two digits.
	WorkflowTemplateName string `json:"workflowTemplateName,omitempty" section:"Names, namespaces and the bucket" follows:"githubRepo" derived:"<githubRepo>" rule:"templateName"`

	// The name of the pipeline's Argo EventSource, which receives GitHub's webhooks.
	EventSourceName string `json:"eventSourceName,omitempty" follows:"workflowTemplateName" derived:"<workflowTemplateName>" rule:"eventSourceName"`

	// The name of the pipeline's Argo Sensor, which starts a run for a webhook.
	SensorName string `json:"sensorName,omitempty" follows:"workflowTemplateName" derived:"<workflowTemplateName>-sensor" rule:"kubernetesName"`

	// The name of the Kubernetes ServiceAccount that runs deployments.
	ServiceAccountName string `json:"serviceAccountName,omitempty" follows:"workflowTemplateName" derived:"<workflowTemplateName>-deploy" rule:"kubernetesName"`

	// The prefix of the names of the pipeline's runs; 32 digits of the commit follow.
	WorkflowNamePrefix string `json:"workflowNamePrefix,omitempty" follows:"workflowTemplateName" derived:"<workflowTemplateName>-" rule:"namePrefix"`

	// The Kubernetes namespace of the runs.
	ArgoNamespace string `json:"argoNamespace,omitempty" default:"argo" rule:"namespace"`

	// The Kubernetes namespace of the EventSource and the Sensor.
	ArgoEventsNamespace string `json:"argoEventsNamespace,omitempty" default:"argo-events" rule:"namespace"`

	// The S3 bucket for artifacts, logs and the metadata of runs. `<account>` and
	// `<region>` in the default are those of the pipeline itself.
	ArtifactBucketName string `json:"artifactBucketName,omitempty" follows:"workflowTemplateName" derived:"aphex-<workflowTemplateName>-<account>-<region>" rule:"bucketName"`

	// How many days to keep artifacts.
	ArtifactRetentionDays int `json:"artifactRetentionDays,omitempty" default:"90" min:"1"`

	// The keys of AWS KMS with which the secrets and parameters that this file names are
	// encrypted, where they are keys of your own and not those of AWS. The pipeline may decrypt
	// with them what it reads, and nothing else. A person approves them with `generator bootstrap`.
	KMSKeyARNs []string `json:"kmsKeyArns,omitempty" section:"Keys of AWS KMS" rule:"keyArn" example:"[arn:aws:kms:eu-west-1:111111111111:key/12345678-1234-1234-1234-123456789012]"`

	// The key of AWS KMS that signs the release record of each run and the provenance of its
	// artifact. It takes effect when a person runs `generator bootstrap`.
	Signing *Signing `json:"signing,omitempty"`

	// The most that a pod of a run may use of its node.
	PodLimits PodLimits `json:"podLimits,omitzero" section:"Pods and images"`

	// How the pods of the pipeline fit the cluster: nodes, priority, secrets, labels and
	// what they request. It takes effect when a person runs `generator apply`; where the
	// admission policy is installed, a commit alone changes only `resources`.
	Pods Pods `json:"pods,omitzero"`

	// Volumes for the workspace and for temporary files, in place of folders on the disk of
	// the node. It takes effect as `pods` does.
	WorkspaceVolume *WorkspaceVolume `json:"workspaceVolume,omitempty"`

	// The proxy through which the pods of runs reach what is outside of the cluster. It
	// takes effect as `pods` does.
	Proxy *Proxy `json:"proxy,omitempty"`

	// The certificate authorities that the pods of runs trust, in place of those of the
	// images. It takes effect as `pods` does.
	CABundle *CABundle `json:"caBundle,omitempty"`

	// The BuildKit that builds image assets, as pods have no docker. It takes effect as
	// `pods` does.
	ImageBuilder *ImageBuilder `json:"imageBuilder,omitempty"`

	// The image that build commands run in.
	BuilderImage string `json:"builderImage,omitempty" default:"public.ecr.aws/aphex/builder:latest" rule:"image"`

	// The image that the app is synthesized in, and that hooks run in.
	DeployerImage string `json:"deployerImage,omitempty" default:"public.ecr.aws/aphex/deployer:latest" rule:"image"`

	// The image that tests run in.
	TesterImage string `json:"testerImage,omitempty" default:"public.ecr.aws/aphex/tester:latest" rule:"image"`

	// The image of the validation stage, as `REGISTRY/validator:TAG`. A new pipeline takes
	// the images of all its own stages from there; afterwards `generator apply --images`
	// changes them, and a commit cannot.
	ValidatorImage string `json:"validatorImage,omitempty" default:"public.ecr.aws/aphex/validator:latest" rule:"image"`

	// The Kubernetes Service in front of the webhook; `None` if you provide an
	// ingress of your own.
	WebhookService WebhookService `json:"webhookService,omitempty" section:"The webhook" default:"LoadBalancer" oneof:"LoadBalancer,NodePort,ClusterIP,None"`

	// The ARN of the certificate in AWS Certificate Manager with which the load balancer
	// of the webhook serves HTTPS.
	WebhookCertificateARN string `json:"webhookCertificateArn,omitempty" rule:"certificateArn" example:"arn:aws:acm:eu-west-1:111111111111:certificate/12345678-1234-1234-1234-123456789012"`

	// Whether the webhook may be reached from outside of the cluster over plain HTTP:
	// whoever reads a delivery on its way can send it again.
	WebhookAllowHTTP bool `json:"webhookAllowHttp,omitempty" default:"false"`

	// Keys that the CDK context must contain, so that synthesis needs no lookups.
	RequiredContext []string `json:"requiredContext,omitempty" section:"Runs and updates" rule:"contextKey" example:"[\"availability-zones:account=111111111111:region=eu-west-1\"]"`

	// Whether the CDK CLI may look up context that `cdk.context.json` lacks, such as
	// availability zones or a VPC, in the environment's account during deployment.
	// The values are used by that run only, so two runs of one commit can differ:
	// prefer a committed `cdk.context.json`.
	Lookups bool `json:"lookups,omitempty" default:"false"`

	// The CDK stack of the pipeline itself, if the repository has one. It is
	// deployed before the environments, in the pipeline's own account.
	PipelineStack *Stack `json:"pipelineStack,omitempty"`

	// How the pipeline updates itself.
	SelfUpdate SelfUpdate `json:"selfUpdate,omitzero"`

	// Whether a commit is deployed that does not follow from the one that was deployed
	// last: after a force push, or of another branch. Without it such a run stops, and
	// a person decides. An older commit is never deployed over a newer one.
	AllowForcePush bool `json:"allowForcePush,omitempty" default:"false"`

	// What happens to a run that waits for an environment when a newer run waits for it,
	// too: `waiting` leaves it out in favour of the newer one, `never` deploys both, one
	// after the other. A deployment that has begun always ends.
	Supersede Supersede `json:"supersede,omitempty" default:"waiting" oneof:"waiting,never"`

	// When the reconciler checks for missed pushes, as a cron schedule in UTC, or in
	// `triggers.timezone`: if the head of the branch had no run, it starts one. `""` disables
	// it; `triggers.schedule` brings it back at the times of that schedule.
	ReconcileSchedule string `json:"reconcileSchedule" default:"*/15 * * * *" rule:"cron" empty:"allowed" example:"\"0 * * * 1-5\""`

	// Who is told what came of runs: the topics, chats and servers that get a message at the
	// end of a run. The secrets and topics that it names take effect when a person runs
	// `generator bootstrap` or `generator apply`. Local runs tell nobody.
	Notifications []Notification `json:"notifications,omitempty" section:"Notifications and metrics" example:"[{slack: {secretName: shop/slack}}]"`

	// Where people see a run, as a link for statuses at GitHub and for events: with `{run}` for
	// its name and, if needed, `{namespace}` for that of the runs. Without it there is no link.
	RunURL string `json:"runUrl,omitempty" rule:"runUrl" example:"\"https://argo.example.com/workflows/{namespace}/{run}\""`

	// Whether each run publishes metrics to CloudWatch, in the namespace `AphexPipeline`, and
	// Argo's controller counts it for Prometheus. Local runs publish none.
	Metrics bool `json:"metrics" default:"true"`

	leftOut map[string]bool // keys of names that are not set and are derived from other names
}

// Image returns the image of a program, such as "builder". It fails where a
// program has no key here, which is a bug.
func (c *Config) Image(program string) (string, error) {
	image, found := map[string]string{
		"validator": c.ValidatorImage, "builder": c.BuilderImage, "deployer": c.DeployerImage, "tester": c.TesterImage,
	}[program]
	if !found {
		return "", fmt.Errorf("the configuration has no key for the image of %q", program)
	}
	return image, nil
}

// OwnImage returns the image that the configuration names for a program, or "" if it has
// the default.
func (c *Config) OwnImage(program string) string {
	image, _ := c.Image(program)
	if key, _ := lookup(reflect.TypeFor[Config](), program+"Image"); image == key.initial {
		return ""
	}
	return image
}

// Stack is a CDK stack of the application, or several that match a pattern.
type Stack struct {
	// The stack's name, its construct path such as `Prod/Api`, or a pattern of
	// construct paths as in `cdk deploy`: `*` and `?` match within one level, `**`
	// matches any number of levels, `{a,b}` matches either text. A pattern selects all
	// matching stacks of the app that are for the environment's account, except those
	// that the environment lists separately.
	Name string `json:"name" need:"always" rule:"stackName" example:"ApiStack"`

	// The stack's source file, or the folder of its CDK app, relative to the
	// repository. The app is the nearest folder at or above it with a `cdk.json`.
	Path string `json:"path,omitempty" derived:"the folder of this file" rule:"path" example:"lib/api-stack.ts"`

	// Stacks to deploy before this one, in every environment that deploys both,
	// written as in `name`.
	DependsOn []string `json:"dependsOn,omitempty" rule:"stackName" example:"[DatabaseStack]"`
}

// SelfUpdate is how the pipeline updates itself when its configuration changes.
type SelfUpdate struct {
	// Whether a run continues with the last valid template if the pipeline could not
	// be updated, or stops. It reports the failure in both cases.
	OnFailure OnFailure `json:"onFailure,omitempty" default:"continue" oneof:"continue,stop"`
}
