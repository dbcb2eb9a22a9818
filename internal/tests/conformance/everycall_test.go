package conformance_test

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim"
	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
)

// every is all calls to AWS that a deployment makes.
var every = []string{
	"sts:GetCallerIdentity", "sts:AssumeRole", "ssm:GetParameter",
	"s3:GetObject", "s3:ListObjectsV2", "s3:GetBucketLocation", "s3:GetBucketEncryption", "s3:PutObject",
	"s3:CreateMultipartUpload", "s3:UploadPart", "s3:CompleteMultipartUpload", "s3:AbortMultipartUpload", "s3:HeadObject",
	"ecr:DescribeRepositories", "ecr:DescribeImages", "ecr:GetAuthorizationToken",
	"cloudformation:DescribeStacks", "cloudformation:GetTemplate", "cloudformation:DescribeStackEvents", "cloudformation:DescribeEvents",
	"cloudformation:CreateChangeSet", "cloudformation:DescribeChangeSet", "cloudformation:ExecuteChangeSet", "cloudformation:DeleteChangeSet",
	"cloudformation:DeleteStack", "cloudformation:RollbackStack", "cloudformation:ContinueUpdateRollback", "cloudformation:UpdateTerminationProtection",
}

// aside are the calls that only a refused change set, a failed stack, a diagnosis, a
// comparison of templates, an image of the legacy synthesizer, the credentials of other
// registries, or a plan that is not kept needs; the tests of internal/deploy/cfn,
// internal/deploy/diagnosis, internal/deploy/assets and stages/deploy are about them.
var aside = []string{
	"cloudformation:DescribeStackResource", "cloudformation:ListChangeSets", "cloudformation:ListStacks",
	"cloudformation:ListHookResults", "cloudformation:GetHookResult", "cloudwatchlogs:FilterLogEvents", "lambda:GetFunctionConfiguration",
	"ecs:ListTasks", "ecs:DescribeTasks", "ecr:CreateRepository", "secretsmanager:GetSecretValue", "s3:DeleteObject",
}

// provoked are the calls that are made only when the answer to another was lost.
var provoked = map[string]string{
	"s3:AbortMultipartUpload": "s3:CompleteMultipartUpload", "s3:HeadObject": "s3:CompleteMultipartUpload",
}

// troubles are what may happen to a call, by name.
var troubles = map[string]awssim.Rule{
	"an internal error":               {Kind: awssim.Status, Status: 500},
	"an unavailable service":          {Kind: awssim.Status, Status: 503},
	"a throttle":                      {Kind: awssim.Throttle},
	"a connection dropped before":     {Kind: awssim.Drop},
	"a connection dropped afterwards": {Kind: awssim.Drop, AfterEffect: true},
	"an answer replaced by a failure": {Kind: awssim.Status, Status: 503, AfterEffect: true},
}

// ordeal is one call in trouble.
type ordeal struct {
	call     string
	troubles []string // one after the other
}

// ordeals are all troubles for all calls: each by itself, or, where that would
// take too long, three for each call.
func ordeals() (list []ordeal) {
	refusals := []string{"an internal error", "an unavailable service", "a throttle", "an answer replaced by a failure"}
	for i, call := range every {
		if !all() {
			list = append(list, ordeal{call, []string{"a connection dropped before", "a connection dropped afterwards", refusals[i%len(refusals)]}})
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(troubles)) {
			list = append(list, ordeal{call, []string{name, name}})
		}
	}
	return list
}

// TestEveryCallMayFailAndTheDeploymentIsTheSame lets the calls that a
// deployment makes fail, one kind of call after the other.
func TestEveryCallMayFailAndTheDeploymentIsTheSame(t *testing.T) {
	scenes := []*scene{newWornScene(t), newLargeScene(t)}
	places, group := make(chan struct{}, 8), sync.WaitGroup{} // it waits more than it works
	for _, o := range ordeals() {
		made := cmp.Or(provoked[o.call], o.call)
		at := slices.IndexFunc(scenes, func(s *scene) bool { return s.calls[made] > 0 })
		if !assert.NotEqual(t, -1, at, "no scene makes the call %s", o.call) {
			continue
		}
		group.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			t.Run(o.call+" "+strings.Join(o.troubles, ", "), func(t *testing.T) { scenes[at].bear(t, o) })
		})
	}
	group.Wait()
}

// bear deploys the scene while the call is in trouble.
func (s *scene) bear(t *testing.T, o ordeal) {
	c := s.cloud(t)
	if lost := provoked[o.call]; lost != "" {
		c.troubles(lost, "a connection dropped afterwards")
	}
	c.troubles(o.call, o.troubles...)
	printed, calls := s.deploy(c)
	c.Heal()
	assert.Greater(t, calls[o.call], len(o.troubles), "it is made again")
	assert.Equal(t, s.end, s.left(c), printed)
}

// troubles lets the next calls of a kind fail, each in its way.
func (c *cloud) troubles(call string, names ...string) {
	service, operation, _ := strings.Cut(call, ":")
	for _, name := range names {
		rule := troubles[name]
		rule.Service, rule.Operation, rule.Times = service, operation, 1
		c.Fail(rule)
	}
}

// scene is a deployment of an artifact to a cloud.
type scene struct {
	app    string // folder of the workspace
	state  string // of the cloud before
	key    string // of the artifact
	digest string
	stacks []string
	calls  map[string]int // that an undisturbed deployment makes
	end    string         // what it leaves
}

// newScene packs the app, and deploys it undisturbed.
func newScene(t *testing.T, wear func(*cloud), list ...made) *scene {
	t.Helper()
	prepare(t)
	s := &scene{app: madeApp(t, list...), state: filepath.Join(t.TempDir(), "state")}
	for _, stack := range list {
		s.stacks = append(s.stacks, stack.name)
	}
	c := newCloudAt(t, s.state, cloudformation.Options{})
	wear(c)
	s.key, s.digest = c.upload(s.app)
	require.NoError(t, c.Close())
	c = s.cloud(t)
	var printed string
	printed, s.calls = s.deploy(c)
	s.end = s.left(c)
	for _, name := range s.stacks {
		assert.Contains(t, []string{"CREATE_COMPLETE", "UPDATE_COMPLETE"}, c.statusOf(name), printed)
	}
	return s
}

// cloud is a copy of the cloud before the deployment.
func (s *scene) cloud(t *testing.T) *cloud {
	t.Helper()
	state := filepath.Join(t.TempDir(), "cloud")
	require.NoError(t, os.CopyFS(state, os.DirFS(s.state)))
	c := newCloudAt(t, state, cloudformation.Options{})
	c.environ = unvalidated
	c.pretend()
	return c
}

// deploy deploys the artifact, which must succeed, and counts the calls. A call
// that the table lacks is a mistake.
func (s *scene) deploy(c *cloud) (printed string, calls map[string]int) {
	c.t.Helper()
	c.ForgetCalls()
	stage := c.stage(c.t.Context(), c.t.TempDir(), "--bucket", artifacts, "--artifact", s.key, "--digest", s.digest,
		"--rollback", "--workflow", "run-1", "--records", artifacts)
	output, err := stage.CombinedOutput()
	require.NoError(c.t, err, string(output))
	calls = c.Calls()
	for call := range calls {
		assert.True(c.t, slices.Contains(every, call), "the deployer makes the call %s, which this table lacks", call)
	}
	assert.Empty(c.t, c.Unknown())
	return string(output), calls
}

// left is what a deployment leaves: stacks, objects, change sets, the
// operations that were begun, and what docker was asked for.
func (s *scene) left(c *cloud) string {
	c.t.Helper()
	text := c.rest() + c.pretended()
	for _, name := range s.stacks {
		text += fmt.Sprintln(name, c.operations(name))
	}
	return text
}
