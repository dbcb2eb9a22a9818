package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	secrettypes "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"golang.org/x/sync/errgroup"

	"github.com/aphex/aphex-pipeline/internal/account"
	"github.com/aphex/aphex-pipeline/internal/cfn"
	"github.com/aphex/aphex-pipeline/internal/cloudside"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/fault"
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// cloudChecks looks at what a pipeline needs in AWS.
func (b *bringing) cloudChecks(ctx context.Context) []kube.Check {
	identity := b.checkIdentity(ctx)
	if identity.Problem != "" {
		return []kube.Check{identity}
	}
	checks := []kube.Check{identity, b.checkExports(ctx), b.checkBucket(ctx)}
	if b.cfg.GithubTokenSecretName != "" {
		checks = append(checks, b.checkToken(ctx))
	}
	return append(checks, b.checkAccounts(ctx)...)
}

// problem makes a failed check of an error.
func problem(what string, err error, fix string) kube.Check {
	return kube.Check{What: what, Problem: err.Error(), Fix: or(fault.HintOf(err), fix)}
}

func (b *bringing) checkIdentity(ctx context.Context) kube.Check {
	what := "AWS credentials"
	base, err := account.Load(ctx, b.place.Region)
	if err != nil {
		return problem(what, err, "aws configure")
	}
	b.base = base
	if b.home, err = account.Identify(ctx, base); err != nil {
		return problem(what, err, "aws sts get-caller-identity")
	}
	if b.home.Account != b.place.Account {
		return kube.Check{
			What: what, Problem: fmt.Sprintf("they are of account %s, and the pipeline is to live in %s", b.home.Account, b.place.Account),
			Fix: "use credentials of that account, or leave --account out",
		}
	}
	return kube.Check{What: what + ": " + b.home.ARN}
}

func (b *bringing) checkExports(ctx context.Context) kube.Check {
	what := "exports of the cluster (" + b.cfg.ClusterExportPrefix + "…)"
	exports := map[string]string{}
	pages := cloudformation.NewListExportsPaginator(cloudformation.NewFromConfig(b.base), &cloudformation.ListExportsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return problem(what, err, "your credentials need cloudformation:ListExports")
		}
		for _, export := range page.Exports {
			exports[aws.ToString(export.Name)] = aws.ToString(export.Value)
		}
	}
	var err error
	if b.found, err = cloudside.Discover(exports, b.cfg.ClusterExportPrefix); err != nil {
		return problem(what, err, "")
	}
	return kube.Check{What: what}
}

// checkBucket finds a bucket of the wanted name that is not this pipeline's.
func (b *bringing) checkBucket(ctx context.Context) kube.Check {
	what := "bucket " + b.place.Bucket
	stack, err := cfn.Find(ctx, cloudformation.NewFromConfig(b.base), b.names.Stack)
	if err != nil {
		return problem(what, err, "your credentials need cloudformation:DescribeStacks")
	}
	if stack != nil {
		return kube.Check{What: what + " (stack " + b.names.Stack + ")"}
	}
	if _, err = s3.NewFromConfig(b.base).HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &b.place.Bucket}); err == nil {
		return kube.Check{What: what, Problem: "it exists and is not of this pipeline's stack", Fix: "give this pipeline its own artifactBucketName, or remove the bucket"}
	}
	return kube.Check{What: what + " (to be made)"}
}

func (b *bringing) checkToken(ctx context.Context) kube.Check {
	name := b.cfg.GithubTokenSecretName
	what, fix := "GitHub's token in secret "+name, fmt.Sprintf(`aws secretsmanager create-secret --region %s --name %s --secret-string '{"token": "…"}'`, b.place.Region, name)
	text, err := b.secret(ctx, name)
	var missing *secrettypes.ResourceNotFoundException
	if errors.As(err, &missing) {
		return kube.Check{What: what, Problem: "the secret does not exist", Fix: fix}
	}
	if err != nil {
		return problem(what, err, "your credentials need secretsmanager:GetSecretValue")
	}
	var content struct {
		Token string `json:"token"`
	}
	if json.Unmarshal([]byte(text), &content) != nil || content.Token == "" {
		return kube.Check{What: what, Problem: `it is not of the form {"token": "…"}`, Fix: strings.Replace(fix, "create-secret", "put-secret-value", 1)}
	}
	return kube.Check{What: what}
}

func (b *bringing) secret(ctx context.Context, name string) (string, error) {
	found, err := secretsmanager.NewFromConfig(b.base).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &name})
	if err != nil {
		return "", err
	}
	return aws.ToString(found.SecretString), nil
}

// accountsAtOnce is how many accounts are entered at the same time.
const accountsAtOnce = 8

// checkAccounts enters every account and region once, and looks for the CDK bootstrap.
func (b *bringing) checkAccounts(ctx context.Context) []kube.Check {
	var distinct []config.Environment
	for _, env := range b.cfg.Environments {
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
			checks[i] = b.checkAccount(ctx, env)
			return nil
		})
	}
	_ = group.Wait() // every check tells its own error
	return checks
}

func (b *bringing) checkAccount(ctx context.Context, env config.Environment) kube.Check {
	what := "account " + env.Account + " in " + env.Region
	if env.RoleARN != "" {
		// Such a role need not let a person in; the validation stage enters it.
		return kube.Check{What: what + " (by " + env.RoleARN + ")"}
	}
	fix := fmt.Sprintf("cdk bootstrap aws://%s/%s --trust %s --trust-for-lookup %s --cloudformation-execution-policies <policy ARN>",
		env.Account, env.Region, b.place.Account, b.place.Account)
	base := b.base.Copy()
	base.Region = env.Region
	entry, err := account.Enter(ctx, base, account.Target{Account: env.Account, Region: env.Region, Name: "generator-bootstrap"}, slog.New(slog.DiscardHandler))
	if err != nil {
		return problem(what, err, fix)
	}
	version, err := account.BootstrapVersion(ctx, entry.Commands, "")
	if err != nil {
		return problem(what, err, fix)
	}
	return kube.Check{What: fmt.Sprintf("%s: CDK bootstrap version %d", what, version)}
}

// bringCloud deploys the AWS side with the rights of the person.
func (b *bringing) bringCloud(ctx context.Context) error {
	b.sayf("\nStack %s\n", b.names.Stack)
	result, err := cfn.Deploy(ctx, cloudformation.NewFromConfig(b.base), b.goal, cfn.Options{Notify: func(e cfn.Event) {
		if e.Phase == cfn.Resource && (strings.HasSuffix(e.Resource.Status, "_COMPLETE") || strings.HasSuffix(e.Resource.Status, "_FAILED")) {
			b.sayf("  %-16s %s %s\n", strings.ToLower(e.Resource.Status), e.Resource.LogicalID, e.Resource.Reason)
		}
	}})
	if err != nil {
		return err
	}
	b.sayf("  %s\n", result.Action)
	return nil
}

// bringSecret takes the webhook's secret from where CloudFormation had it made
// to where the webhook reads it. It is shown nowhere.
func (b *bringing) bringSecret(ctx context.Context) error {
	value, err := b.secret(ctx, b.names.Secret)
	if err != nil {
		return fmt.Errorf("reading the webhook's secret %q: %w", b.names.Secret, err)
	}
	action, err := b.cluster.PutWebhookSecret(ctx, b.webhookSecret(), b.names.Pipeline, plan.WebhookSecretKey, value)
	if err != nil {
		return err
	}
	b.sayf("\nSecret %s in namespace %s\n  %s\n", b.names.WebhookSecret, b.cfg.ArgoEventsNamespace, action)
	return nil
}
