package infra

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// Limits of a template (CloudFormation's user guide, "Quotas"). One of more than
// [cfn.MaxInline] bytes must be in a bucket, which does not exist before the first
// deployment.
const (
	maxBytes     = 1 << 20
	maxResources = 500
	maxOutputs   = 200
)

// Parameters of the template. Without a value, a deployment keeps the stack's current one.
const (
	ParameterProvider = "OIDCProviderArn" // of the cluster, from its exports
	ParameterWebhook  = "WebhookUrl"      // public URL, once the cluster has an address
)

// Outputs of the stack.
const (
	OutputWebhook      = "ArgoEventsWebhookUrl"
	OutputBucket       = "ArtifactBucketName"
	OutputRole         = "WorkflowExecutionRoleArn"
	OutputTemplate     = "WorkflowTemplateName"
	OutputInstructions = "GitHubWebhookInstructions"
)

// object is a JSON object; encoding/json sorts its members by name.
type object = map[string]any

// renderer renders the template of one pipeline.
type renderer struct {
	cfg   *config.Config
	place plan.Place
	names plan.Names
}

// Tags returns the tags of the stack, which all of its resources inherit. Every update
// must pass them: a stack loses tags that are not passed.
func Tags(names plan.Names) map[string]string {
	return map[string]string{manifest.LabelPipeline: names.Pipeline}
}

// Template renders the CloudFormation template, as JSON on one line.
func Template(cfg *config.Config, place plan.Place) ([]byte, error) {
	r := renderer{cfg: cfg, place: place, names: plan.NamesOf(cfg, place)}
	resources, err := r.resources()
	if err != nil {
		return nil, err
	}
	outputs := r.outputs()
	text, err := json.Marshal(object{
		"AWSTemplateFormatVersion": "2010-09-09",
		"Description":              "AphexPipeline " + r.names.Pipeline + ": artifact bucket, roles and webhook secret",
		"Parameters":               r.parameters(),
		"Resources":                resources,
		"Outputs":                  outputs,
	})
	if err != nil {
		return nil, fmt.Errorf("encoding the template of stack %q: %w", r.names.Stack, err)
	}
	accounts := len(plan.AccessesOf(cfg))
	for _, limit := range []struct {
		what      string
		has, most int
	}{{"resources", len(resources), maxResources}, {"outputs", len(outputs), maxOutputs}, {"bytes", len(text), maxBytes}} {
		if limit.has > limit.most {
			return nil, errs.Invalidf("the environments use %d accounts and roles, for which the template of stack %q has %d %s; the limit of CloudFormation is %d",
				accounts, r.names.Stack, limit.has, limit.what, limit.most).WithHint("move the environments of at least %d of them to another pipeline", atLeast(limit.has-limit.most, limit.has, accounts))
		}
	}
	return text, nil
}

// atLeast returns how many of some accounts must go for a template to lose as much of what
// it has. Each has one resource, or two; no more than its part of all else.
func atLeast(lose, has, accounts int) int { return max(1, lose*accounts/has) }

// BucketTemplate renders the part of the template with which a stack of more than
// [cfn.MaxInline] bytes begins: the bucket, in which the whole template is published.
func BucketTemplate(cfg *config.Config, place plan.Place) ([]byte, error) {
	r := renderer{cfg: cfg, place: place, names: plan.NamesOf(cfg, place)}
	return json.Marshal(object{
		"AWSTemplateFormatVersion": "2010-09-09",
		"Description":              "AphexPipeline " + r.names.Pipeline + ": artifact bucket, roles and webhook secret",
		"Parameters":               r.parameters(),
		"Resources":                object{bucketID: r.bucket(), bucketPolicyID: r.bucketPolicy()},
	})
}

// TemplateAs renders the template for people, in a format: yaml or json.
func TemplateAs(format string, cfg *config.Config, place plan.Place) ([]byte, error) {
	if format != "yaml" && format != "json" {
		return nil, errs.Invalidf("--aws prints one template: --output must be yaml or json")
	}
	template, err := Template(cfg, place)
	if err != nil {
		return nil, err
	}
	text, err := yaml.JSONToYAML(template)
	if format == "json" {
		var indented bytes.Buffer
		err = json.Indent(&indented, template, "", "  ")
		text = append(indented.Bytes(), '\n')
	}
	if err != nil {
		return nil, fmt.Errorf("writing the template: %w", err)
	}
	return text, nil
}

func (r renderer) parameters() object {
	return object{
		ParameterProvider: object{
			"Type":                  "String",
			"Description":           "ARN of the IAM OIDC provider of the cluster, as " + r.cfg.ClusterExportPrefix + exportProvider + " exports it.",
			"AllowedPattern":        `^arn:aws[a-z-]*:iam::[0-9]{12}:oidc-provider/[A-Za-z0-9./_-]+$`,
			"ConstraintDescription": "the ARN of an IAM OIDC provider",
		},
		ParameterWebhook: object{
			"Type":        "String",
			"Description": "URL of the webhook as GitHub reaches it.",
			"Default":     plan.WebhookInCluster(r.cfg.EventSourceName, r.cfg.ArgoEventsNamespace),
		},
	}
}

func (r renderer) resources() (object, error) {
	boundary, err := r.boundary()
	if err != nil {
		return nil, err
	}
	resources := object{
		bucketID:        r.bucket(),
		bucketPolicyID:  r.bucketPolicy(),
		secretID:        r.secret(),
		boundaryID:      boundary,
		deploymentsID:   r.managedPolicy(r.names.Stack+"-deployments", "What the deployments of pipeline "+r.names.Pipeline+" may do besides entering accounts", document(r.deploys()...)),
		"RecorderRole":  r.podRole(r.names.RecorderRole, r.names.Recorder, "records runs", r.records()),
		"ValidatorRole": r.podRole(r.names.ValidatorRole, r.names.Validator, "validates commits; may only look into accounts", r.validates()),
		"BuilderRole":   r.podRole(r.names.BuilderRole, r.names.Builder, "builds; may only keep artifacts", r.builds()),
		"PipelineRole":  r.podRole(r.names.UpdaterRole, r.names.Updater, "updates the pipeline; may only look into accounts", r.updates()),
		"UpdaterRole":   r.stackRole(),
	}
	if plan.HasReconciler(r.cfg) {
		resources["WatcherRole"] = r.podRole(r.names.ReconcilerRole, r.names.Reconciler, "starts runs for missed pushes", r.watches())
	}
	if r.cfg.PipelineStack != nil {
		resources["OwnStackRole"] = r.cloudFormationRole(r.names.OwnStackRole, "deploys the repository's own pipeline stack", r.deploysOwnStack())
	}
	if role := r.cfg.Build.RoleARN; role != "" {
		resources[commandsID] = r.buildCommands(role)
	}
	if policy := r.readsSecrets("BuilderRole", plan.BuildSecrets(r.cfg)); policy != nil {
		resources[buildSecretsID] = policy
	}
	for id, policy := range map[string]object{
		signingID: r.signing(), metricsID: inlinePolicy("metrics", "RecorderRole", r.publishesMetrics()), notificationID: inlinePolicy("notifications", "RecorderRole", r.notifies()),
	} {
		if policy != nil {
			resources[id] = policy
		}
	}
	lookups, err := r.lookups()
	if err != nil {
		return nil, err
	}
	for i, policy := range lookups {
		if i == 0 {
			resources[lookupsID] = policy
			for _, id := range lookers {
				resources[id].(object)["Properties"].(object)["ManagedPolicyArns"] = []any{ref(lookupsID)}
			}
			continue
		}
		// The roles do not name these, so that an account more changes no role.
		policy["Properties"].(object)["Roles"] = []any{ref(lookers[0]), ref(lookers[1])}
		resources[fmt.Sprint(lookupsID, i+1)] = policy
	}
	for _, access := range plan.AccessesOf(r.cfg) {
		resources[deployerID(access)] = r.deployerRole(access)
		if policy := r.readsSecrets(deployerID(access), plan.SecretsOf(r.cfg, access)); policy != nil {
			resources[secretsPrefix+strings.ReplaceAll(access.ID(), "-", "")] = policy
		}
	}
	return resources, nil
}

// deployerID returns the logical id of the role of the deployments that use an access.
func deployerID(access plan.Access) string {
	return deployerPrefix + strings.ReplaceAll(access.ID(), "-", "")
}

// deployerPrefix begins the logical ids of the roles of deployments, and of nothing else.
const deployerPrefix = "DeployerRole"

// secretsPrefix begins the logical ids of the permissions of deployments to read secrets.
const secretsPrefix = "DeployerSecrets"

// outputs returns the outputs of the stack. Export names begin with the stack's name, so
// that they are unique in the account. The webhook secret is not an output.
func (r renderer) outputs() object {
	outputs := object{
		OutputWebhook: object{"Description": "URL of the webhook, for GitHub.", "Value": ref(ParameterWebhook)},
		OutputBucket:  object{"Description": "Bucket of artifacts, logs and run metadata.", "Value": ref(bucketID)},
		OutputRole: object{
			"Description": "Role that deploys to the account of the first environment.", "Value": attribute(deployerID(plan.AccessesOf(r.cfg)[0]), "Arn"),
		},
		OutputTemplate: object{"Description": "Name of the pipeline's WorkflowTemplate; each version adds two digits.", "Value": r.cfg.WorkflowTemplateName},
		OutputInstructions: object{"Description": "What to enter in GitHub.", "Value": object{"Fn::Sub": "Settings of " + r.cfg.GithubOwner + "/" + r.cfg.GithubRepo +
			", Webhooks, Add webhook: Payload URL ${" + ParameterWebhook + "}, Content type application/json, Secret the value of " + r.names.Secret +
			" in Secrets Manager, events Pushes and Pull requests."}},
	}
	for _, access := range plan.AccessesOf(r.cfg) {
		if access.RoleARN != "" {
			outputs[deployerID(access)+"Arn"] = object{"Description": "Role that " + access.RoleARN + " must trust.", "Value": attribute(deployerID(access), "Arn")}
		}
	}
	for name, output := range outputs {
		output.(object)["Export"] = object{"Name": object{"Fn::Sub": "${AWS::StackName}-" + name}}
	}
	return outputs
}

func ref(id string) object { return object{"Ref": id} }

func attribute(id, name string) object { return object{"Fn::GetAtt": []string{id, name}} }
