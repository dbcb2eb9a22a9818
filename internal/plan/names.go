package plan

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Names are the names of the objects of a pipeline in its cluster and in its AWS
// account. They are unique to the pipeline and derived from its configuration and
// place, without a call.
type Names struct {
	Pipeline string // identity of the pipeline, as label and tag; independent of the names of its objects

	// ServiceAccounts in the namespace of the runs. Each access has one besides:
	// [Names.Deployer].
	Recorder   string // records runs; the default of a run
	Validator  string // validates a commit
	Builder    string // runs the build
	Updater    string // updates the pipeline itself
	Reconciler string // starts runs for missed pushes
	Executor   string // Argo's own containers report the results of steps with it

	// ServiceAccounts in the namespace of the events.
	Submitter string // of the Sensor
	Receiver  string // of the EventSource

	WebhookSecret string // Kubernetes Secret in the namespace of the EventSource; its key is WebhookSecretKey

	// ImageBuilder is the namespace of the pipeline's BuildKit, and the Secret in the namespace
	// of the runs with the certificates for it.
	ImageBuilder string

	// Names in AWS. They are derived from what the pipeline deploys, and its region,
	// so that they are independent of the names of its objects. A role has the
	// stack's name as a prefix, as IAM is global. Each access has a role besides:
	// [Names.DeployerRole].
	Stack          string // CloudFormation stack of the pipeline's own AWS resources
	RecorderRole   string
	ValidatorRole  string
	BuilderRole    string
	UpdaterRole    string
	ReconcilerRole string
	StackRole      string // CloudFormation updates the stack with it
	OwnStackRole   string // CloudFormation deploys the repository's own pipeline stack with it
	Boundary       string // managed policy: permissions boundary of the pipeline's roles
	Secret         string // webhook secret in Secrets Manager
}

// WebhookSecretKey is the key of the webhook's secret in the Kubernetes Secret.
const WebhookSecretKey = "secret"

// BuildKit of a pipeline: the name of its Deployment and its Service, and its port.
const (
	ImageBuilder     = "buildkitd"
	ImageBuilderPort = 1234
)

// ImageBuilderHost returns the name by which the pods of a pipeline reach its BuildKit, which
// is the name in its certificate.
func (n Names) ImageBuilderHost() string { return ImageBuilder + "." + n.ImageBuilder + ".svc" }

// ImageBuilderAddress returns the address of the pipeline's BuildKit, for imageBuilder.address.
func (n Names) ImageBuilderAddress() string {
	return fmt.Sprintf("tcp://%s:%d", n.ImageBuilderHost(), ImageBuilderPort)
}

// TokenOf names the Secret in which Argo looks for the token of a ServiceAccount.
func TokenOf(account string) string { return account + ".service-account-token" }

// NamesOf returns the names of the pipeline that cfg declares.
func NamesOf(cfg *config.Config, place Place) Names {
	pipeline := identity(cfg, place)
	stack := stackOf(cfg, digest(pipeline, cfg.ClusterName, place.Region))
	return Names{
		Pipeline:       pipeline,
		Recorder:       cfg.ServiceAccountName,
		Validator:      cfg.ServiceAccountName + "-validate",
		Builder:        cfg.ServiceAccountName + "-build",
		Updater:        cfg.ServiceAccountName + "-update",
		Reconciler:     cfg.ServiceAccountName + "-watch",
		Executor:       cfg.ServiceAccountName + "-results",
		Submitter:      strings.TrimSuffix(cfg.SensorName, "-sensor") + "-sensor",
		Receiver:       cfg.EventSourceName + "-eventsource",
		WebhookSecret:  cfg.EventSourceName + "-webhook",
		ImageBuilder:   stack + "-images",
		Stack:          stack,
		RecorderRole:   stack + "-record",
		ValidatorRole:  stack + "-validate",
		BuilderRole:    stack + "-build",
		UpdaterRole:    stack + "-pipeline",
		ReconcilerRole: stack + "-watch",
		StackRole:      stack + "-update",
		OwnStackRole:   stack + "-own",
		Boundary:       stack + "-boundary",
		Secret:         stack + "/webhook",
	}
}

// Limits of names.
const (
	mostOfRole    = 64 // of IAM
	mostOfAccount = 63 // of a label of Kubernetes
)

// DeployerRole names the IAM role of the deployments that use an access.
func (n Names) DeployerRole(a Access) string { return ending(n.Stack, a.ID(), mostOfRole) }

// Deployer names the ServiceAccount of the deployments that use an access.
func (n Names) Deployer(a Access) string { return ending(n.Recorder, a.ID(), mostOfAccount) }

// ending joins a name and its ending. A name that leaves no room for it is cut, and
// stays unique by a digest.
func ending(name, end string, most int) string {
	if room := most - len(end) - 1; len(name) > room {
		id := digest(name)
		name = cut(name, room-len(id)-1) + "-" + id
	}
	return name + "-" + end
}

// mostOfReadable is the length of the readable part of a name. It keeps the names
// of roles within IAM's 64 characters, and the identity within the 63 of a label.
const mostOfReadable = 40

// stackOf returns the name of the stack: a readable part and a unique digest.
func stackOf(cfg *config.Config, digest string) string {
	readable := cfg.GithubRepo
	if readable == "" {
		readable = cfg.WorkflowTemplateName
	}
	readable = strings.TrimPrefix(notInStack.ReplaceAllString(strings.ToLower(readable), "-"), "aphex-")
	return "aphex" + strings.TrimRight("-"+strings.Trim(cut(readable, mostOfReadable), "-"), "-") + "-" + digest
}

// notInStack matches characters that the name of a repository may have and that of a stack may not.
var notInStack = regexp.MustCompile(`[^a-z0-9-]+`)

// identity identifies a pipeline by what it deploys: the branch of a repository,
// and the path of the configuration. It does not depend on configured names.
func identity(cfg *config.Config, place Place) string {
	if cfg.GithubOwner == "" || cfg.GithubRepo == "" {
		return cfg.WorkflowTemplateName
	}
	repository := strings.ToLower(cfg.GithubOwner + "/" + cfg.GithubRepo)
	return labelled(cfg.GithubRepo) + digest(repository, cfg.GithubBranch, place.Config)
}

// labelled returns the readable part of a label's value, which begins with a letter
// or a digit, from the name of a repository.
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

// digest returns eight hexadecimal digits that identify the texts.
func digest(texts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(texts, "\x00")))
	return hex.EncodeToString(sum[:4])
}

// PlaceOf returns the place of a pipeline: the given account and region, else those
// of its first environment. The file is the path of its configuration in the
// repository.
func PlaceOf(cfg *config.Config, account, region, file string) Place {
	first := cfg.Environments[0]
	account, region = cmp.Or(account, first.Account), cmp.Or(region, first.Region)
	return Place{Account: account, Region: region, Bucket: cfg.Bucket(account, region), Config: file}
}

// PlaceFlags are the account and region of the pipeline itself, as flags of the verbs that work
// without an account.
type PlaceFlags struct {
	Account string `help:"Account of the pipeline itself, for the default name of its bucket (default: that of the first environment)." placeholder:"ID"`
	Region  string `help:"Region of the pipeline itself (default: that of the first environment)."`
}

// CheckPlace checks an account and a region by the rules of the configuration; "" is
// neither right nor wrong. The error names the flags --account and --region.
func CheckPlace(account, region string) error {
	for _, flag := range []struct {
		name, value string
		problem     func(string) (problem, hint string)
	}{{"--account", account, config.AccountProblem}, {"--region", region, config.RegionProblem}} {
		if flag.value == "" {
			continue
		}
		if problem, hint := flag.problem(flag.value); problem != "" {
			return errs.Invalidf("%s is %s", flag.name, problem).WithHint("%s", hint)
		}
	}
	return nil
}

// RoleARN returns the ARN of a role of the pipeline.
func (p Place) RoleARN(role string) string {
	return "arn:" + p.Partition() + ":iam::" + p.Account + ":role/" + role
}

// Partition returns the AWS partition of the pipeline.
func (p Place) Partition() string { return config.Partition(p.Region) }
