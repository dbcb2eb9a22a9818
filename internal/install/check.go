package install

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	secrettypes "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"golang.org/x/sync/errgroup"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/awsauth/clients"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/install/infra"
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/notify/github"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// Check checks the prerequisites of a pipeline in its account and its cluster, and
// reports every result. It returns an error after the last check if any failed. It
// changes nothing.
func Check(ctx context.Context, t Target, r Reporter) error {
	_, err := t.check(ctx, r)
	return err
}

// home is what the checks found in the account of the pipeline.
type home struct {
	aws     aws.Config
	cluster infra.Cluster
}

func (t *Target) check(ctx context.Context, r Reporter) (home, error) {
	found, checks := t.checks(ctx)
	failed := 0
	for _, check := range checks {
		r.Checked(check)
		if check.Failed() {
			failed++
		}
	}
	if failed > 0 {
		return home{}, errs.Invalidf("%d of the checks failed; nothing was installed", failed).
			WithHint("run the checks again: generator bootstrap --checks")
	}
	return found, nil
}

func (t *Target) checks(ctx context.Context) (home, []kube.Check) {
	checks := append(t.checkNames(ctx), t.checkWebhook())
	base, identity := t.checkIdentity(ctx)
	found := home{aws: base}
	checks = append(checks, identity)
	if identity.Problem == "" {
		cluster, exports := t.checkExports(ctx, base)
		found.cluster = cluster
		checks = append(append(checks, exports), t.checkBucket(ctx, base)...)
		if t.Config.RepositorySecret() != "" {
			checks = append(checks, t.checkToken(ctx, base))
		}
		checks = append(checks, t.checkAccounts(ctx, base)...)
		checks = append(checks, t.checkHome(ctx, base)...)
	}
	return found, append(checks, t.Cluster.Preflight(ctx, t.prerequisites())...)
}

func (t *Target) prerequisites() kube.Prerequisites {
	names := t.names()
	return kube.Prerequisites{
		Pipeline: names.Pipeline, Runs: t.Config.ArgoNamespace, Events: t.Config.ArgoEventsNamespace,
		Token: plan.TokenOf(names.Executor), Shared: t.SharedNamespaces,
		Needs: t.needs(),
	}
}

// needs are the objects of others that the pods of the pipeline name.
func (t *Target) needs() []kube.Need {
	var all []kube.Need
	if name := t.Config.Pods.PriorityClassName; name != "" {
		all = append(all, kube.Need{Kind: "PriorityClass", Name: name, Setting: "pods.priorityClassName"})
	}
	if volume := t.Config.WorkspaceVolume; volume != nil {
		all = append(all, kube.Need{Kind: "StorageClass", Name: volume.StorageClassName, Setting: "workspaceVolume.storageClassName"})
	}
	if bundle := t.Config.CABundle; bundle != nil {
		all = append(all, kube.Need{Kind: "ConfigMap", Namespace: t.Config.ArgoNamespace, Name: bundle.Name, Key: bundle.Key, Setting: "caBundle"})
	}
	if images := t.Config.ImageBuilder; images != nil && (!t.ImageBuilder.Install || images.TLSSecretName != t.names().ImageBuilder) { // which is made then
		all = append(all, kube.Need{Kind: "Secret", Namespace: t.Config.ArgoNamespace, Name: images.TLSSecretName, Setting: "imageBuilder.tlsSecretName"})
	}
	for _, secret := range t.Config.Pods.ImagePullSecrets {
		for _, namespace := range slices.Compact([]string{t.Config.ArgoNamespace, t.Config.ArgoEventsNamespace}) {
			all = append(all, kube.Need{Kind: "Secret", Namespace: namespace, Name: secret.Name, Setting: "pods.imagePullSecrets"})
		}
	}
	return all
}

// failedCheck returns a check that ended with an error. The fix is for errors
// without a hint.
func failedCheck(what string, err error, fix string) kube.Check {
	return kube.Check{What: what, Problem: err.Error(), Fix: cmp.Or(errs.HintOf(err), fix)}
}

// checkNames reports which names an installed pipeline keeps, and which images it runs in.
func (t *Target) checkNames(ctx context.Context) []kube.Check {
	configured := t.Config.WorkflowTemplateName
	installed, err := t.useInstalledNames(ctx)
	if err != nil {
		return []kube.Check{failedCheck("names of the pipeline in the cluster", err, "your Kubernetes credentials need to list Sensors, EventSources and WorkflowTemplates")}
	}
	var checks []kube.Check
	if t.Config.WorkflowTemplateName != configured {
		checks = append(checks, kube.Check{What: "the pipeline is installed as " + t.Config.WorkflowTemplateName + ", and keeps its names"})
	}
	tags, err := t.useImages(ctx, installed)
	if err != nil {
		return append(checks, failedCheck("images of the pipeline's own stages", err, "pass --images REGISTRY[:TAG]"))
	}
	return append(checks, t.checkImages(tags))
}

// checkWebhook refuses plain HTTP that the configuration does not allow, and warns of plain
// HTTP that it allows.
func (t *Target) checkWebhook() kube.Check {
	check := kube.Check{What: "encryption of the webhook"}
	if check.Problem, check.Fix = t.Config.WebhookProblem(); check.Problem == "" {
		check.Problem, check.Fix = t.Config.PlainHTTP()
		check.Warning = check.Problem != ""
	}
	return check
}

// checkIdentity loads the AWS credentials and compares their account.
func (t *Target) checkIdentity(ctx context.Context) (aws.Config, kube.Check) {
	what := "AWS credentials"
	base, err := t.AWS(ctx, t.Place.Region)
	if err != nil {
		return base, failedCheck(what, err, "aws configure")
	}
	session, err := awsauth.Identify(ctx, base)
	if err != nil {
		return base, failedCheck(what, err, "aws sts get-caller-identity")
	}
	if session.Account != t.Place.Account {
		return base, kube.Check{
			What: what, Problem: fmt.Sprintf("they belong to account %s, but the pipeline is in account %s", session.Account, t.Place.Account),
			Fix: "use credentials of that account, or omit --account",
		}
	}
	return base, kube.Check{What: what + ": " + session.ARN}
}

// checkExports finds the cluster among CloudFormation's exports.
func (t *Target) checkExports(ctx context.Context, base aws.Config) (infra.Cluster, kube.Check) {
	what := "exports of the cluster (" + t.Config.ClusterExportPrefix + "…)"
	exports := map[string]string{}
	pages := cloudformation.NewListExportsPaginator(cfn.NewClient(base), &cloudformation.ListExportsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return infra.Cluster{}, failedCheck(what, err, "your credentials need cloudformation:ListExports")
		}
		for _, export := range page.Exports {
			exports[aws.ToString(export.Name)] = aws.ToString(export.Value)
		}
	}
	cluster, err := infra.Discover(exports, t.Config.ClusterExportPrefix)
	if err != nil {
		return infra.Cluster{}, failedCheck(what, err, "")
	}
	return cluster, kube.Check{What: what}
}

// checkBucket refuses a bucket of the configured name that is not of the pipeline's stack,
// and checks the policy of one that is.
func (t *Target) checkBucket(ctx context.Context, base aws.Config) []kube.Check {
	what, name := "bucket "+t.Place.Bucket, t.names().Stack
	stack, err := cfn.Find(ctx, cfn.NewClient(base), name)
	if err != nil {
		return []kube.Check{failedCheck(what, err, "your credentials need cloudformation:DescribeStacks")}
	}
	if stack != nil {
		return []kube.Check{{What: what + " (stack " + name + ")"}, t.checkPolicy(ctx, base)}
	}
	if _, err = t.bucketClient(base).HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &t.Place.Bucket}); err == nil {
		return []kube.Check{{What: what, Problem: "it exists but does not belong to this pipeline's stack", Fix: "set another artifactBucketName, or remove the bucket"}}
	}
	return []kube.Check{{What: what + " (to be created)"}}
}

// checkToken reads the GitHub token, or the private key of the GitHub App, and prints nothing of it.
func (t *Target) checkToken(ctx context.Context, base aws.Config) kube.Check {
	name := t.Config.RepositorySecret()
	what, form := "GitHub token in secret "+name, `'{"token": "…"}'`
	if t.Config.GithubApp != nil {
		what, form = "private key of the GitHub App in secret "+name, "file://private-key.pem"
	}
	put := func(call string) string {
		return fmt.Sprintf(`aws secretsmanager %s %s --region %s --secret-string %s`, call, name, t.Place.Region, form)
	}
	text, err := readSecret(ctx, base, name)
	var missing *secrettypes.ResourceNotFoundException
	if errors.As(err, &missing) {
		return kube.Check{What: what, Problem: "the secret does not exist", Fix: put("create-secret --name")}
	}
	if err != nil {
		return failedCheck(what, err, "your credentials need secretsmanager:GetSecretValue")
	}
	if err := t.problemOf(text); err != nil {
		return kube.Check{What: what, Problem: err.Error(), Fix: put("put-secret-value --secret-id")}
	}
	return kube.Check{What: what}
}

// problemOf returns why the value of a secret does not open the repository.
func (t *Target) problemOf(secret string) error {
	if t.Config.GithubApp != nil {
		_, err := github.NewApp(t.Config.RepositoryApp(), clients.KeyIn(secret))
		return err
	}
	if clients.TokenIn(secret) == "" {
		return errs.Invalidf(`it does not have the form {"token": "…"}`)
	}
	return nil
}

func readSecret(ctx context.Context, base aws.Config, name string) (string, error) {
	found, err := secretsmanager.NewFromConfig(base).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &name})
	if err != nil {
		return "", err
	}
	return aws.ToString(found.SecretString), nil
}

// accountsAtOnce is how many accounts are checked in parallel.
const accountsAtOnce = 8

// checkAccounts checks every account and region of the environments once.
func (t *Target) checkAccounts(ctx context.Context, base aws.Config) []kube.Check {
	var distinct []config.Environment
	for _, env := range t.Config.Environments {
		same := func(other config.Environment) bool {
			return other.Account == env.Account && other.Region == env.Region && other.RoleARN == env.RoleARN
		}
		if !slices.ContainsFunc(distinct, same) {
			distinct = append(distinct, env)
		}
	}
	checks := make([]kube.Check, len(distinct))
	var group errgroup.Group
	group.SetLimit(accountsAtOnce)
	for i, env := range distinct {
		group.Go(func() error {
			checks[i] = t.checkAccount(ctx, base, env)
			return nil
		})
	}
	_ = group.Wait() // an error is the problem of its check
	return checks
}

// checkAccount assumes the CDK's lookup role and reads the bootstrap version.
func (t *Target) checkAccount(ctx context.Context, base aws.Config, env config.Environment) kube.Check {
	what := "account " + env.Account + " in " + env.Region
	if env.RoleARN != "" {
		// Such a role need not trust the user; the validation stage checks it.
		return kube.Check{What: what + " (by " + env.RoleARN + ")"}
	}
	fix := fmt.Sprintf("cdk bootstrap aws://%s/%s --trust %s --trust-for-lookup %s --cloudformation-execution-policies <policy ARN>",
		env.Account, env.Region, t.Place.Account, t.Place.Account)
	base = base.Copy()
	base.Region = env.Region
	entry, err := awsauth.Assume(ctx, base, awsauth.Target{
		Account: env.Account, Region: env.Region, Qualifier: env.Qualifiers()[0], Environment: env.Name, Run: "generator-bootstrap",
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		return failedCheck(what, err, fix)
	}
	version, err := awsauth.BootstrapVersion(ctx, entry.Verified, env.Qualifiers()[0])
	if err != nil {
		return failedCheck(what, err, fix)
	}
	return kube.Check{What: fmt.Sprintf("%s: CDK bootstrap version %d", what, version)}
}
