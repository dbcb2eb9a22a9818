package install_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/install"
	"github.com/aphex/aphex-pipeline/internal/install/installtest"
	"github.com/aphex/aphex-pipeline/internal/kube/kubetest"
)

func TestCheckReportsEachResultAndChangesNothing(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	var j journal
	require.NoError(t, install.Check(t.Context(), p.target(installtest.Named("shop")+installtest.ProdEnvironment), &j))
	for _, want := range []string{
		"ok: AWS credentials: arn:aws:iam::111111111111:", "ok: exports of the cluster (AphexCluster-company-…)",
		"ok: bucket shop-artifacts (to be created)", "ok: GitHub token in secret shop/token",
		"ok: account 111111111111 in eu-west-1: CDK bootstrap version 28", "ok: account 222222222222 in eu-west-1: CDK bootstrap version 28",
		"ok: namespace argo-events", "ok: Argo Workflows v3.7.18", "ok: EventBus default in argo-events",
	} {
		assert.Contains(t, j.String(), want)
	}
	assert.Nil(t, p.outputs("shop"))
	assert.Empty(t, p.Kube.Writes())
}

func TestCheckReportsEveryProblemAtOnceAndChangesNothing(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.AWS.AddAccount("333333333333")
	text := strings.NewReplacer("clusterName: company", "clusterName: compnay", "shop/token", "shop/tokne", "githubRepo: shop", "githubRepo: shop\nargoEventsNamespace: events",
		installtest.Prod, "333333333333").Replace(installtest.Named("shop") + installtest.ProdEnvironment)
	var j journal
	_, err := install.Bootstrap(t.Context(), p.target(text), install.BootstrapOptions{}, &j)

	require.ErrorContains(t, err, "5 of the checks failed; nothing was installed")
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	for _, want := range []string{
		"CloudFormation exports no AphexCluster-compnay-ClusterName", "set clusterExportPrefix to one of: AphexCluster-company-",
		"the secret does not exist (aws secretsmanager create-secret", "failed: account 333333333333 in eu-west-1",
		"bootstrap account 333333333333 with `cdk bootstrap --trust 111111111111", "--cloudformation-execution-policies <policy ARN>`, or set roleArn",
		"failed: namespace events: it does not exist", "failed: EventBus default in events",
	} {
		assert.Contains(t, j.String(), want)
	}
	assert.Nil(t, p.outputs("shop"))
	assert.Empty(t, p.Kube.Writes())
}

func TestCheckReportsEachKindOfProblem(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		text    string // default: all names of shop
		arrange func(platform, *install.Target)
		want    string
	}{
		"credentials that cannot be loaded": {
			arrange: func(_ platform, target *install.Target) {
				target.AWS = func(context.Context, string) (aws.Config, error) {
					return aws.Config{}, errors.New("there is no profile")
				}
			},
			want: "failed: AWS credentials: there is no profile (aws configure)",
		},
		"credentials of another account": {
			arrange: func(p platform, target *install.Target) {
				target.AWS = func(_ context.Context, region string) (aws.Config, error) {
					return p.Admin(installtest.Prod, region), nil
				}
			},
			want: "failed: AWS credentials: they belong to account 222222222222, but the pipeline is in account 111111111111",
		},
		"a bucket of another owner": {
			arrange: func(p platform, _ *install.Target) {
				p.Deploy(installtest.Home, "other", `{"Resources":{"B":{"Type":"AWS::S3::Bucket","Properties":{"BucketName":"shop-artifacts"}}}}`)
			},
			want: "failed: bucket shop-artifacts: it exists but does not belong to this pipeline's stack",
		},
		"a token of another form": {
			text: strings.Replace(installtest.Named("shop"), "shop/token", "plain", 1),
			arrange: func(p platform, _ *install.Target) {
				p.Deploy(installtest.Home, "plain", `{"Resources":{"T":{"Type":"AWS::SecretsManager::Secret","Properties":{"Name":"plain","SecretString":"in-the-clear"}}}}`)
			},
			want: `failed: GitHub token in secret plain: it does not have the form {"token": "…"} (aws secretsmanager put-secret-value --secret-id plain --region eu-west-1`,
		},
		"objects that may not be listed": {
			arrange: func(p platform, _ *install.Target) {
				p.Kube.Refuse = func(r kubetest.Request) int {
					if strings.HasSuffix(r.Path, "/sensors") {
						return 403
					}
					return 0
				}
			},
			want: "failed: names of the pipeline in the cluster",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			if c.text == "" {
				c.text = installtest.Named("shop")
			}
			target := p.target(c.text)
			c.arrange(p, &target)
			var j journal
			err := install.Check(t.Context(), target, &j)
			require.ErrorContains(t, err, "1 of the checks failed")
			assert.Equal(t, errs.Invalid, errs.KindOf(err))
			assert.Contains(t, j.String(), c.want)
			assert.Contains(t, j.String(), "ok: namespace argo", "the other checks are made too")
			assert.NotContains(t, j.String(), "in-the-clear")
			assert.Empty(t, p.Kube.Writes())
		})
	}
}

func TestAnAccountIsCheckedOnceAndOneWithARoleIsLeftToTheValidation(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	text := installtest.Named("shop") + `  - {name: staging, account: "111111111111", region: eu-west-1, stacks: [{name: Other}]}
  - {name: prod, account: "333333333333", region: eu-west-1, roleArn: "arn:aws:iam::333333333333:role/deploy", stacks: [{name: Api}]}
`
	var j journal
	require.NoError(t, install.Check(t.Context(), p.target(text), &j))
	assert.Equal(t, 1, strings.Count(j.String(), "account 111111111111 in eu-west-1"))
	assert.Contains(t, j.String(), "ok: account 333333333333 in eu-west-1 (by arn:aws:iam::333333333333:role/deploy)")
}

func TestAnEnvironmentThatCouldTakeOverThePipelineIsWarnedOf(t *testing.T) {
	t.Parallel()
	const admin, less = "arn:aws:iam::aws:policy/AdministratorAccess", "arn:aws:iam::111111111111:policy/less"
	toolkit := func(qualifier, policies, boundary string) string {
		return fmt.Sprintf(`{"Parameters":{"Qualifier":{"Type":"String","Default":%q},"CloudFormationExecutionPolicies":{"Type":"CommaDelimitedList","Default":%q},
			"InputPermissionsBoundary":{"Type":"String","Default":%q}},"Resources":{"P":{"Type":"AWS::SSM::Parameter","Properties":{"Type":"String","Value":"x"}}}}`, qualifier, policies, boundary)
	}
	for name, c := range map[string]struct {
		toolkit string // in another region of the pipeline's own account
		warned  bool
	}{
		"an administrator":                 {toolkit("hnb659fds", admin, ""), true},
		"an administrator besides others":  {toolkit("hnb659fds", less+","+admin, ""), true},
		"no policy, which is all":          {toolkit("hnb659fds", "", ""), true},
		"a bootstrap of another qualifier": {toolkit("other", less, ""), true},
		"no stack of that name":            {"", true},
		"other policies":                   {toolkit("hnb659fds", less, ""), false},
		"a permissions boundary":           {toolkit("hnb659fds", admin, "developer"), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			if c.toolkit != "" {
				p.DeployIn(installtest.Home, "us-east-1", "CDKToolkit", c.toolkit)
			}
			text := strings.Replace(installtest.Named("shop"), `account: "111111111111"`, `account: "222222222222"`, 1) +
				`  - {name: tools, account: "111111111111", region: us-east-1, stacks: [{name: Api}]}
  - {name: own, account: "111111111111", region: us-east-1, roleArn: "arn:aws:iam::111111111111:role/own", stacks: [{name: Api}]}
`
			var j journal
			_ = install.Check(t.Context(), p.target(text), &j) // that region has no bootstrap here
			want := "warning: environments in the pipeline's own account (tools): "
			assert.Equal(t, c.warned, strings.Contains(j.String(), want), j.String())
			if c.warned {
				assert.Contains(t, j.String(), "cdk bootstrap aws://111111111111/us-east-1 --cloudformation-execution-policies <policy ARN>")
			}
			var none journal
			_ = install.Check(t.Context(), p.target(strings.Replace(installtest.Named("shop"), `account: "111111111111"`, `account: "222222222222"`, 1)), &none)
			assert.NotContains(t, none.String(), "own account", "no environment is there")
		})
	}
}

func TestLocateCallsAWSOnlyForWhatIsNotGiven(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	var asked []string
	load := func(_ context.Context, region string) (aws.Config, error) {
		asked = append(asked, region)
		if region == "" {
			region = "eu-north-1"
		}
		return p.Admin(installtest.Home, region), nil
	}
	cases := []struct{ account, region, wantAccount, wantRegion string }{
		{"999999999999", "us-east-1", "999999999999", "us-east-1"},
		{"", "us-east-1", installtest.Home, "us-east-1"},
		{"999999999999", "", "999999999999", "eu-north-1"},
		{"", "", installtest.Home, "eu-north-1"},
	}
	for _, c := range cases {
		account, region, err := install.Locate(t.Context(), load, c.account, c.region)
		require.NoError(t, err)
		assert.Equal(t, c.wantAccount+" "+c.wantRegion, account+" "+region)
	}
	assert.Equal(t, []string{"us-east-1", "", ""}, asked)

	nowhere := func(context.Context, string) (aws.Config, error) { return aws.Config{}, nil }
	_, _, err := install.Locate(t.Context(), nowhere, "", "")
	require.ErrorContains(t, err, "the region of the pipeline is not set")
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
}

// gate lets calls about the CDK's bootstrap stack pass once enough of them are in flight.
type gate struct {
	client aws.HTTPClient
	enough int
	full   chan struct{}

	mu                 sync.Mutex
	calls, now, atOnce int
}

func (g *gate) Do(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		return g.client.Do(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if !bytes.Contains(body, []byte("StackName=CDKToolkit")) {
		return g.client.Do(r)
	}
	g.mu.Lock()
	g.calls, g.now = g.calls+1, g.now+1
	if g.now == g.enough && g.atOnce < g.enough {
		close(g.full)
	}
	g.atOnce = max(g.atOnce, g.now)
	g.mu.Unlock()
	select {
	case <-g.full:
	case <-time.After(10 * time.Second):
	}
	g.mu.Lock()
	g.now--
	g.mu.Unlock()
	return g.client.Do(r)
}

func TestTheBootstrapsOfThePipelinesOwnAccountAreReadSideBySideAndOncePerRegion(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	text := installtest.Named("shop")
	for i := range 20 {
		text += fmt.Sprintf("  - {name: env-%d, account: \"111111111111\", region: ap-south-%d, stacks: [{name: Api}]}\n", i, i%10)
	}
	g := &gate{client: http.DefaultClient, enough: 8, full: make(chan struct{})}
	target := p.target(text)
	target.AWS = func(_ context.Context, region string) (aws.Config, error) {
		base := p.Admin(installtest.Home, region)
		base.HTTPClient = g
		return base, nil
	}
	var j journal
	_ = install.Check(t.Context(), target, &j) // these regions have no bootstrap here
	assert.Equal(t, 8, g.atOnce)
	assert.Equal(t, 11, g.calls, "regions")
	assert.Contains(t, j.String(), "own account (dev, env-0, env-1, env-2,", "in their order")
}
