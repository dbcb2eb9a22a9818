package plan

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/config"
)

// Names are the names of the objects of a pipeline in its cluster and in its AWS
// account. They follow from the configuration and the place alone: they are known
// without a call, and no two pipelines share one.
type Names struct {
	Pipeline string // identity of the pipeline, as label and tag; stays when its objects are renamed

	// ServiceAccounts in the namespace of the runs.
	Deployer   string // runs every stage but the build
	Builder    string // runs the build
	Reconciler string // starts runs for missed pushes

	// ServiceAccounts in the namespace of the events.
	Submitter string // of the Sensor
	Receiver  string // of the EventSource

	WebhookSecret string // Kubernetes Secret beside the EventSource; its key is WebhookSecretKey

	// Names in AWS. They follow from what the pipeline deploys, and where it lives,
	// so that they stay when its objects are renamed. A role carries the stack's
	// name, as IAM is one room for all regions.
	Stack          string // CloudFormation stack of the pipeline's own AWS resources
	DeployerRole   string
	BuilderRole    string
	ReconcilerRole string
	UpdaterRole    string // CloudFormation updates the stack with it
	Boundary       string // managed policy: the most that any role of the pipeline may ever do
	Secret         string // webhook secret in Secrets Manager
}

// WebhookSecretKey is the key in the Kubernetes Secret that holds the webhook's secret.
const WebhookSecretKey = "secret"

// NamesOf works out the names of the pipeline that cfg declares.
func NamesOf(cfg *config.Config, place Place) Names {
	pipeline := identity(cfg, place)
	stack := stackOf(cfg, digest(pipeline, cfg.ClusterName, place.Region))
	return Names{
		Pipeline:       pipeline,
		Deployer:       cfg.ServiceAccountName,
		Builder:        cfg.ServiceAccountName + "-build",
		Reconciler:     cfg.ServiceAccountName + "-watch",
		Submitter:      strings.TrimSuffix(cfg.SensorName, "-sensor") + "-sensor",
		Receiver:       cfg.EventSourceName + "-eventsource",
		WebhookSecret:  cfg.EventSourceName + "-webhook",
		Stack:          stack,
		DeployerRole:   stack + "-deploy",
		BuilderRole:    stack + "-build",
		ReconcilerRole: stack + "-watch",
		UpdaterRole:    stack + "-update",
		Boundary:       stack + "-boundary",
		Secret:         stack + "/webhook",
	}
}

// mostOfReadable keeps the names of roles within IAM's 64 characters, and the
// identity within the 63 of a label's value.
const mostOfReadable = 40

// stackOf names the stack after what it deploys, for people, and ends it with
// what distinguishes it from the stacks of others.
func stackOf(cfg *config.Config, digest string) string {
	readable := cfg.GithubRepo
	if readable == "" {
		readable = cfg.WorkflowTemplateName
	}
	readable = strings.TrimPrefix(notInStack.ReplaceAllString(strings.ToLower(readable), "-"), "aphex-")
	return "aphex" + strings.TrimRight("-"+strings.Trim(cut(readable, mostOfReadable), "-"), "-") + "-" + digest
}

// notInStack matches what the name of a stack cannot have, and that of a repository can.
var notInStack = regexp.MustCompile(`[^a-z0-9-]+`)

// identity distinguishes pipelines by what they deploy: the branch of a
// repository, and the configuration in it. What the configuration says about
// names may change without making it another pipeline.
func identity(cfg *config.Config, place Place) string {
	if cfg.GithubOwner == "" || cfg.GithubRepo == "" {
		return cfg.WorkflowTemplateName
	}
	repository := strings.ToLower(cfg.GithubOwner + "/" + cfg.GithubRepo)
	return labelled(cfg.GithubRepo) + digest(repository, cfg.GithubBranch, place.Config)
}

// labelled makes the readable part of a label's value, which begins with a
// letter or a digit, of the name of a repository.
func labelled(repository string) string {
	readable := strings.Trim(cut(strings.ToLower(repository), mostOfReadable), "._-")
	if readable == "" {
		return ""
	}
	return readable + "-"
}

func cut(text string, most int) string {
	return strings.TrimRight(text[:min(len(text), most)], "-")
}

// digest returns eight hexadecimal digits that differ when any of the texts differs.
func digest(texts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(texts, "\x00")))
	return hex.EncodeToString(sum[:4])
}

// PlaceOf is where a pipeline lives: in the given account and region, else in
// those of its first environment. The file is the path of its configuration in
// the repository.
func PlaceOf(cfg *config.Config, account, region, file string) Place {
	first := cfg.Environments[0]
	account, region = cmp.Or(account, first.Account), cmp.Or(region, first.Region)
	return Place{Account: account, Region: region, Bucket: cfg.Bucket(account, region), Config: file}
}

// RoleARN returns the ARN of a role of the pipeline.
func (p Place) RoleARN(role string) string {
	return "arn:" + p.Partition() + ":iam::" + p.Account + ":role/" + role
}

// Partition returns the AWS partition that the pipeline lives in.
func (p Place) Partition() string { return config.Partition(p.Region) }
