package console_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/aphex/aphex-pipeline/internal/install"
	"github.com/aphex/aphex-pipeline/internal/install/console"
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// work makes a report of every kind.
func work(r install.Reporter) {
	r.Checked(kube.Check{What: "namespace argo"})
	r.Checked(kube.Check{What: "namespace events", Problem: "it does not exist", Fix: "kubectl create namespace events"})
	r.Checked(kube.Check{What: "EventBus", Problem: "it is small", Fix: "make it larger", Warning: true})
	r.Started(install.Stack, "aphex-shop-1")
	r.Resource("CREATE_COMPLETE", "ArtifactBucket", "")
	r.Resource("CREATE_FAILED", "Boundary", "it exists")
	r.Changed(install.Stack, manifest.Change{Object: "stack aphex-shop-1", Action: manifest.Created})
	r.Started(install.Objects, "")
	r.Changed(install.Objects, manifest.Change{Object: "sensor/shop", Action: manifest.Unchanged})
	r.Started(install.Webhook, "")
	r.Note("its log cannot be read")
	r.Ready()
	r.Started(install.Address, "")
}

func TestLinesPrintsALineForEachChange(t *testing.T) {
	var out bytes.Buffer
	work(console.Lines(&out))
	assert.Equal(t, `  ok       namespace argo
  failed   namespace events: it does not exist
           kubectl create namespace events
  warning  EventBus: it is small
           make it larger
  create_complete  ArtifactBucket
  create_failed    Boundary it exists
stack aphex-shop-1 created
sensor/shop unchanged
waiting for the webhook and the Sensor
note: its log cannot be read
the webhook listens and the Sensor has subscribed: the next push starts a run
`, out.String())
}

func TestSectionsPrintsAHeadingForEachPart(t *testing.T) {
	var out bytes.Buffer
	work(console.Sections(&out))
	assert.Equal(t, `  ok       namespace argo
  failed   namespace events: it does not exist
           kubectl create namespace events
  warning  EventBus: it is small
           make it larger

Stack aphex-shop-1
  create_complete  ArtifactBucket
  create_failed    Boundary it exists
  created

Objects
  unchanged sensor/shop

waiting for the webhook and the Sensor
note: its log cannot be read
the webhook listens and the Sensor has subscribed: the next push starts a run

Waiting for the webhook's address
`, out.String())
}

func TestAQuestionNamesTheRunsThatMayFail(t *testing.T) {
	p := install.Plan{Interrupted: install.Interrupted{Runs: []string{"shop-1", "shop-2"}, By: []string{"role/shop-update", "resource ArtifactBucketPolicy"}}}
	const want = `
Runs in progress, which may fail if you continue before they have ended
  shop-1
  shop-2
Permissions that change: role/shop-update, resource ArtifactBucketPolicy
`
	var bootstrap, apply bytes.Buffer
	console.Plan(&bootstrap, p)
	assert.True(t, strings.HasSuffix(bootstrap.String(), want), bootstrap.String())
	console.Identities(&apply, p)
	assert.Equal(t, want, apply.String(), "no identity changes")
}

func TestThePlanNamesEachRoleThatItApproves(t *testing.T) {
	own, tests := "arn:aws:iam::222222222222:role/deploy", "arn:aws:iam::111111111111:role/tests"
	bootstrap := plan.Access{Account: "111111111111", Qualifiers: []string{"hnb659fds", "shop"}}
	before := bootstrap.String()
	bootstrap.Commands = []string{tests}
	var out bytes.Buffer
	console.Plan(&out, install.Plan{Stack: "aphex-shop-1", Build: install.BuildRole{ARN: tests, Before: own}, Secrets: []install.Secrets{
		{Commands: "build commands", Names: "secretsmanager:shop/npm ssm:/shop/b", Before: "ssm:/shop/b"},
		{Commands: "hooks and tests of dev"},
		{Commands: "hooks and tests of prod", Names: "ssm:/shop/c"},
	}, Topics: install.Topics{ARNs: "arn:aws:sns:eu-west-1:111111111111:news"}, Approvals: []install.Approval{
		{Access: bootstrap, Environments: []string{"dev", "test"}, Before: before},
		{Access: plan.Access{Account: "222222222222", RoleARN: own}, Environments: []string{"prod"}},
		{Access: plan.Access{Account: "333333333333", Qualifiers: []string{"hnb659fds"}}, Environments: []string{"live"}, Before: "333333333333=hnb659fds"},
	}})
	_, approvals, _ := strings.Cut(out.String(), "By continuing")
	assert.Equal(t, ` you approve that each commit of the branch is deployed with these roles
  changed   account 111111111111 (dev, test): roles of the CDK bootstrap hnb659fds, shop
            hooks and tests: arn:aws:iam::111111111111:role/tests
            before: 111111111111=hnb659fds,shop
  new       account 222222222222 (prod): arn:aws:iam::222222222222:role/deploy
  as before account 333333333333 (live): roles of the CDK bootstrap hnb659fds
  changed   build commands: arn:aws:iam::111111111111:role/tests
            before: arn:aws:iam::222222222222:role/deploy
  changed   secrets of build commands: secretsmanager:shop/npm ssm:/shop/b
            before: ssm:/shop/b
  new       secrets of hooks and tests of prod: ssm:/shop/c
  new       topics of notifications: arn:aws:sns:eu-west-1:111111111111:news
`, approvals)
}

func TestAnotherHostOfTheRepositoryIsShown(t *testing.T) {
	for want, host := range map[string]install.Host{
		"": {Now: "github.com", Before: "github.com"},
		"\nThe pipeline will send the token of the repository to github.com\n":                                      {Now: "github.com"},
		"\nThe pipeline will send the token of the repository to github.example.net, and no longer to github.com\n": {Now: "github.example.net", Before: "github.com"},
	} {
		var out bytes.Buffer
		console.Identities(&out, install.Plan{Host: host})
		assert.Equal(t, want, out.String())
	}
}

func TestTheQuestionNamesAllThatDeleteRemoves(t *testing.T) {
	for want, removal := range map[string]install.Removal{
		"Remove the pipeline shop-1 from https://c?":                                                                                   {Pipeline: "shop-1"},
		"Remove the pipeline shop-1 from https://c, and its stack aphex-shop-1?":                                                       {Pipeline: "shop-1", Stack: "aphex-shop-1"},
		"Remove the pipeline shop-1 from https://c, and its stack aphex-shop-1, and the bucket shop-b with all artifacts and records?": {Pipeline: "shop-1", Stack: "aphex-shop-1", Bucket: "shop-b"},
	} {
		assert.Equal(t, want, console.Question(removal, "https://c"))
	}
}
