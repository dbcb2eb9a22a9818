package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim"
	"github.com/aphex/aphex-pipeline/awssim/policy"
	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/install/infra"
	"github.com/aphex/aphex-pipeline/internal/install/installtest"
	"github.com/aphex/aphex-pipeline/internal/notify/event"
	"github.com/aphex/aphex-pipeline/internal/notify/metric"
	"github.com/aphex/aphex-pipeline/stages/record"
)

// unused are the permissions that the run of the test does not use, and why an identity
// has them: "identity statement action or resource", of which the end may be *.
var unused = map[string]string{
	"build FinishParts s3:AbortMultipartUpload":          "for an upload that fails or is stopped",
	"build KeepCache s3:AbortMultipartUpload":            "for an upload that fails or is stopped",
	"boundary Artifacts s3:AbortMultipartUpload":         "as the build",
	"pipeline ReadTemplate *":                            "a template of the stack that is too large to send inline: TestAPipelineOfManyAccountsUpdatesItsStack",
	"pipeline Write *:s3:::*/metadata/templates/*":       "the same",
	"* Read *:s3:::*/metadata/workflows/*/deploy-*.json": "of a newer run that waits for the same environment: TestARunThatWaitsLeavesOutAnEnvironmentForWhichANewerOneWaits",
	"* Read *:s3:::*/metadata/workflows/*/test-*.json":   "the same",
	"record ReadReleases *":                              "of a run that is recorded again: TestARunThatIsRecordedAgainHasOneReleaseRecordMore",
	"own WatchAndNotify *":                               "what a pipelineStack consists of is up to the repository",
	"update Bucket s3:*":                                 "what a later version of the pipeline sets; the simulator asks for PutBucketTagging alone, whatever changes",
	"update Secret *":                                    "what a later version of the pipeline sets",
}

// TestEachIdentityUsesAllOfItsPermissionsAndNeedsNoOther is P8: it runs a whole pipeline,
// each stage with the role of its pod, and compares every decision of AWS with the policies
// that were installed.
func TestEachIdentityUsesAllOfItsPermissionsAndNeedsNoOther(t *testing.T) {
	w := newWorld(t)
	var asked decisions
	w.install()
	w.AWS.OnDecision(asked.add)
	w.deliver()
	w.checkPublished(t)

	granted := w.granted()
	anyone := func(string) bool { return true }
	loose := statement{"Sid": "Loose", "Effect": "Allow", "Action": "s3:DeleteBucket", "Resource": "*"}
	require.Equal(t, []string{"any Loose s3:DeleteBucket", "any Loose *"}, asked.missing(t, anyone, "any", loose), "a permission too many is found")
	for _, one := range asked.all {
		if role := nameOf(one.Caller.RoleARN); granted[role] != nil {
			assert.NoError(t, one.Err, "a permission is missing: %s", role)
		}
	}
	found := []string{}
	for role, statements := range granted {
		isRole := func(arn string) bool { return arn == w.place.RoleARN(role) }
		if role == w.names.Boundary {
			isRole = func(arn string) bool { return granted[nameOf(arn)] != nil }
		}
		for _, statement := range statements {
			found = append(found, asked.missing(t, isRole, strings.TrimPrefix(role, w.names.Stack+"-"), statement)...)
		}
	}
	slices.Sort(found)
	explained := func(permission string) string {
		for pattern := range unused {
			if policy.Like(permission, pattern) {
				return pattern
			}
		}
		return ""
	}
	needed := map[string]bool{}
	for _, permission := range found {
		needed[explained(permission)] = true
		assert.NotEmpty(t, explained(permission), "nothing uses the permission: %s", permission)
	}
	for pattern := range unused {
		assert.True(t, needed[pattern], "the run uses what is listed as unused: %s", pattern)
	}
}

// checkPublished holds that what runs did reached CloudWatch and a topic, by the identity that
// records them, and that a target at an address of the machine got nothing.
func (w *world) checkPublished(t *testing.T) {
	t.Helper()
	messages := w.AWS.Topics().Messages(topic)
	require.NotEmpty(t, messages)
	var forms map[string]string
	var told event.Event
	require.NoError(t, json.Unmarshal([]byte(messages[0].Message), &forms))
	require.NoError(t, json.Unmarshal([]byte(forms["default"]), &told))
	assert.Equal(t, []any{event.Finished, event.Succeeded, "shop"}, []any{told.Type, told.Data.Outcome, told.Data.Pipeline})
	require.NotEmpty(t, told.Data.Environments)
	assert.NotEmpty(t, told.Data.Environments[0].Stacks)

	names := map[string]bool{}
	for _, d := range w.AWS.Metrics().Published(installtest.Home, installtest.Region, metric.Namespace) {
		names[d.MetricName] = true
	}
	assert.Equal(t, map[string]bool{metric.DeploymentCount: true, metric.DeploymentDuration: true, metric.WorkflowCount: true, metric.WorkflowDuration: true}, names)
	assert.Equal(t, 3, w.AWS.Calls()["monitoring:PutMetricData"], "one call a run, and none of the run that another one continued")

	client := s3.NewFromConfig(w.Admin(installtest.Home, installtest.Region), func(o *s3.Options) { o.UsePathStyle = true })
	object, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &w.place.Bucket, Key: aws.String(bucket.RunRecordKey(told.Data.Run))})
	require.NoError(t, err)
	var document record.Document
	require.NoError(t, json.NewDecoder(object.Body).Decode(&document))
	require.Len(t, document.Notified, 3)
	assert.True(t, document.Notified[0].Sent)
	assert.True(t, document.Notified[2].Sent, document.Notified[2].Error)
	assert.Contains(t, document.Notified[1].Error, "of this machine")
	assert.Empty(t, document.Published.Error)
	w.checkShown(t, told.Data)
}

// checkShown holds that the repository at GitHub shows what came of a run, which began as
// pending.
func (w *world) checkShown(t *testing.T, run event.Run) {
	t.Helper()
	states := map[string][]string{}
	for _, status := range w.github.Statuses {
		if status.SHA == run.Commit {
			states[status.Context] = append(states[status.Context], status.State)
			assert.Contains(t, status.TargetURL, "https://argo.example.com/workflows/"+w.cfg.ArgoNamespace+"/")
		}
	}
	for _, name := range append([]string{""}, w.cfg.EnvironmentNames()...) {
		of := states[strings.TrimSuffix("aphex/shop/"+name, "/")]
		require.GreaterOrEqual(t, len(of), 2, "%q of %v", name, states)
		assert.Equal(t, []string{"pending", "success"}, of[:2], "%q: later runs of the commit follow", name)
	}
	made := map[string]string{}
	for _, d := range w.github.Deployments {
		if d.SHA == run.Commit {
			made[d.Environment] = d.States[len(d.States)-1].State
		}
	}
	assert.Equal(t, map[string]string{"shop/dev": "success", "shop/prod": "success", "shop/own": "success"}, made)
}

// decisions are what AWS decided.
type decisions struct {
	mu  sync.Mutex
	all []awssim.Decision
}

func (j *decisions) add(one awssim.Decision) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.all = append(j.all, one)
}

// statement is one of a policy.
type statement map[string]any

// texts are the texts of an element that is a text or a list of them.
func (s statement) texts(element string) []string {
	switch value := s[element].(type) {
	case string:
		return []string{value}
	case []any:
		var all []string
		for _, text := range value {
			all = append(all, fmt.Sprint(text))
		}
		return all
	}
	return nil
}

// with is the statement with one value of an element.
func (s statement) with(t *testing.T, element, value string) policy.Rights {
	t.Helper()
	own := maps.Clone(s)
	own[element] = value
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": own})
	require.NoError(t, err)
	document, err := policy.Parse(string(text))
	require.NoError(t, err)
	return policy.Rights{Grants: []*policy.Document{document}}
}

// missing are the actions and resources of a statement that no call of the roles needed.
func (j *decisions) missing(t *testing.T, isRole func(arn string) bool, identity string, s statement) (missing []string) {
	t.Helper()
	for _, element := range []string{"Action", "Resource"} {
		for _, value := range s.texts(element) {
			rights := s.with(t, element, value)
			if !slices.ContainsFunc(j.all, func(one awssim.Decision) bool {
				own := one.Question // as the policies of the caller decide it, without those of the resource
				own.ResourcePolicy, own.Trust, own.Account = nil, false, ""
				return one.Err == nil && isRole(one.Caller.RoleARN) && policy.Decide(one.Caller, rights, own) == nil
			}) {
				missing = append(missing, fmt.Sprintf("%s %s %s", identity, s["Sid"], value))
			}
		}
	}
	return missing
}

// granted are the statements of the policies of each role, by its name, and of the
// boundary of all, as they were installed.
func (w *world) granted() map[string][]statement {
	w.t.Helper()
	text, err := infra.Template(w.cfg, w.place)
	require.NoError(w.t, err)
	type document struct{ Statement []statement }
	var template struct {
		Resources map[string]struct {
			Type       string
			Properties struct {
				RoleName          string
				Roles             []struct{ Ref string } // of an inline policy
				PolicyDocument    json.RawMessage
				Policies          []struct{ PolicyDocument document }
				ManagedPolicyArns []struct{ Ref string }
			}
		}
	}
	require.NoError(w.t, json.Unmarshal(text, &template))
	granted := map[string][]statement{}
	for id, resource := range template.Resources {
		if id == "Boundary" {
			var boundary document
			require.NoError(w.t, json.Unmarshal(resource.Properties.PolicyDocument, &boundary))
			granted[w.names.Boundary] = boundary.Statement
		}
		if resource.Type != "AWS::IAM::Role" {
			continue
		}
		var all []statement
		for _, inline := range resource.Properties.Policies {
			all = append(all, inline.PolicyDocument.Statement...)
		}
		for _, managed := range resource.Properties.ManagedPolicyArns {
			var attached document
			require.NoError(w.t, json.Unmarshal(template.Resources[managed.Ref].Properties.PolicyDocument, &attached))
			all = append(all, attached.Statement...)
		}
		for _, inline := range template.Resources {
			if len(inline.Properties.Roles) == 1 && inline.Properties.Roles[0].Ref == id {
				var own document
				require.NoError(w.t, json.Unmarshal(inline.Properties.PolicyDocument, &own))
				all = append(all, own.Statement...)
			}
		}
		granted[resource.Properties.RoleName] = all
	}
	return granted
}

func nameOf(roleARN string) string { return roleARN[strings.LastIndexByte(roleARN, '/')+1:] }
