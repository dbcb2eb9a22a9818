package validate

import (
	"encoding/json"
	"strings"
	"testing"

	eventsv1 "github.com/argoproj/argo-events/pkg/apis/events/v1alpha1"
	"github.com/argoproj/argo-events/pkg/reconciler/sensor"
	"github.com/argoproj/argo-events/pkg/sensors/dependencies"
	"github.com/argoproj/argo-events/pkg/sensors/triggers"
	wfv1 "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

var commit = strings.Repeat("0123456789", 4)

type members = map[string]any

// push returns a delivery of GitHub, with the fields that are read.
func push() members {
	return members{
		"headers": members{"X-Github-Event": []string{"push"}},
		"body": members{
			"ref": "refs/heads/main", "after": commit, "deleted": false, "pusher": members{"name": "octocat"},
			"repository": members{"full_name": "my-org/my-app", "clone_url": "https://github.com/my-org/my-app.git"}, "head_commit": members{"message": "{{workflow.name}} $(id)"},
		},
	}
}

func pull() members {
	return members{
		"headers": members{"X-Github-Event": []string{"pull_request"}},
		"body": members{
			"action": "synchronize", "repository": members{"full_name": "my-org/my-app", "clone_url": "https://github.com/my-org/my-app.git"}, "sender": members{"login": "octocat"},
			"pull_request": members{
				"base": members{"ref": "main"},
				"head": members{"ref": "feature/x", "sha": commit, "repo": members{"full_name": "my-org/my-app"}},
			},
		},
	}
}

func event(t *testing.T, delivery members) *eventsv1.Event {
	t.Helper()
	data, err := json.Marshal(delivery)
	require.NoError(t, err)
	return &eventsv1.Event{Context: &eventsv1.EventContext{DataContentType: eventsv1.MediaTypeJSON}, Data: data}
}

func oneSensor(t *testing.T) eventsv1.Sensor {
	t.Helper()
	s, found := decode[eventsv1.Sensor](t, golden(t)["one-environment"], "Sensor")
	require.True(t, found)
	return s
}

// passes returns the dependencies of the Sensor that a delivery fulfils.
func passes(t *testing.T, s eventsv1.Sensor, delivery members) []string {
	t.Helper()
	return passesEvent(s, event(t, delivery))
}

func passesEvent(s eventsv1.Sensor, event *eventsv1.Event) []string {
	names := []string{}
	for _, dependency := range s.Spec.Dependencies {
		if ok, _ := dependencies.Filter(event, dependency.Filters, dependency.FiltersLogicalOperator); ok {
			names = append(names, dependency.Name)
		}
	}
	return names
}

// runOf returns the Workflow that the Sensor creates for a delivery.
func runOf(t *testing.T, s eventsv1.Sensor, trigger string, delivery members) wfv1.Workflow {
	t.Helper()
	return runOfEvent(t, s, trigger, event(t, delivery))
}

func runOfEvent(t *testing.T, s eventsv1.Sensor, trigger string, event *eventsv1.Event) wfv1.Workflow {
	t.Helper()
	for _, one := range s.Spec.Triggers {
		if one.Template.Name != trigger {
			continue
		}
		var content members
		require.NoError(t, json.Unmarshal(one.Template.K8s.Source.Resource.Value, &content))
		created := &unstructured.Unstructured{Object: content}
		require.NoError(t, triggers.ApplyResourceParameters(map[string]*eventsv1.Event{trigger: event}, one.Template.K8s.Parameters, created))
		text, err := created.MarshalJSON()
		require.NoError(t, err)
		var workflow wfv1.Workflow
		require.NoError(t, json.Unmarshal(text, &workflow))
		return workflow
	}
	t.Fatalf("there is no trigger %q", trigger)
	return wfv1.Workflow{}
}

func TestArgoEventsAcceptsEverySensor(t *testing.T) {
	bus := &eventsv1.EventBus{Spec: eventsv1.EventBusSpec{JetStream: &eventsv1.JetStreamBus{}}}
	for name, objects := range golden(t) {
		if s, found := decode[eventsv1.Sensor](t, objects, "Sensor"); found {
			assert.NoError(t, sensor.ValidateSensor(&s, bus), name)
		}
	}
}

func TestAPushOfTheBranchStartsTheRunOfItsCommit(t *testing.T) {
	s := oneSensor(t)
	require.Equal(t, []string{"push"}, passes(t, s, push()))
	run := runOf(t, s, "push", push())
	assert.Equal(t, "my-app-"+commit[:32], run.Name)
	assert.Equal(t, "Deploy my-org/my-app, main at "+commit, run.Annotations["workflows.argoproj.io/title"])
	values := map[string]string{}
	for _, parameter := range run.Spec.Arguments.Parameters {
		values[parameter.Name] = parameter.Value.String()
	}
	assert.Equal(t, map[string]string{
		"commit-sha": commit, "branch": "main", "repo-url": "https://github.com/my-org/my-app.git", "repo-name": "my-org/my-app", "pusher": "octocat",
	}, values)
}

func TestAPullRequestOfTheRepositoryStartsACheckOnly(t *testing.T) {
	s := oneSensor(t)
	require.Equal(t, []string{"pull"}, passes(t, s, pull()))
	run := runOf(t, s, "pull", pull())
	assert.Equal(t, "check", run.Spec.Entrypoint)
	assert.Equal(t, "my-app-check-", run.GenerateName)
	assert.Equal(t, commit, run.Spec.Arguments.GetParameterByName("commit-sha").Value.String())
	assert.Equal(t, "feature/x", run.Spec.Arguments.GetParameterByName("branch").Value.String())
}

// set changes one member of a delivery.
func set(delivery members, value any, path ...string) members {
	at := delivery
	for _, name := range path[:len(path)-1] {
		at = at[name].(members)
	}
	at[path[len(path)-1]] = value
	return delivery
}

func TestOtherDeliveriesStartNothing(t *testing.T) {
	s := oneSensor(t)
	for name, delivery := range map[string]members{
		"a tag":                             set(push(), "refs/tags/main", "body", "ref"),
		"another branch":                    set(push(), "refs/heads/next", "body", "ref"),
		"a branch with the same prefix":     set(push(), "refs/heads/main2", "body", "ref"),
		"the deletion of the branch":        set(set(push(), true, "body", "deleted"), strings.Repeat("0", 40), "body", "after"),
		"a repository on another host":      set(push(), "https://github.example.com/my-org/my-app.git", "body", "repository", "clone_url"),
		"no commit":                         set(push(), strings.Repeat("0", 40), "body", "after"),
		"a commit of a SHA-256 repository":  set(push(), strings.Repeat("ab", 32), "body", "after"),
		"a pull request with another title": set(set(pull(), "edited", "body", "action"), members{"title": members{"from": "x"}}, "body", "changes"),
		"another repository":                set(push(), "evil/my-app", "body", "repository", "full_name"),
		"an abbreviated commit":             set(push(), commit[:12], "body", "after"),
		"another kind of event":             set(push(), []string{"ping"}, "headers", "X-Github-Event"),
		"a pull request from a fork":        set(pull(), "evil/my-app", "body", "pull_request", "head", "repo", "full_name"),
		"a pull request whose fork is gone": set(pull(), nil, "body", "pull_request", "head", "repo"),
		"a pull request to another branch":  set(pull(), "next", "body", "pull_request", "base", "ref"),
		"a pull request that is closed":     set(pull(), "closed", "body", "action"),
		"an empty delivery":                 {},
	} {
		assert.Empty(t, passes(t, s, delivery), name)
	}
	assert.Equal(t, []string{"pull"}, passes(t, s, set(set(pull(), "edited", "body", "action"),
		members{"base": members{"ref": members{"from": "next"}, "sha": members{"from": commit}}}, "body", "changes")), "it comes to go to the branch")
	assert.Equal(t, []string{"push"}, passes(t, s, set(push(), "My-Org/My-App", "body", "repository", "full_name")), "GitHub ignores case")
}

// TestAValueForDisplayIsCleanedAndNeverStopsARun sends names that GitHub's schema allows:
// any text, null, or nothing.
func TestAValueForDisplayIsCleanedAndNeverStopsARun(t *testing.T) {
	s := oneSensor(t)
	for given, shown := range map[any]string{
		"octocat": "octocat", "Mona Lisa": "Mona Lisa", "dependabot[bot]": "dependabot[bot]", "Müller_corp": "Müller_corp", nil: "", 7: "7", "": "",
		"{{workflow.name}}": "workflow.name", "$(HOME) `id`": "HOME id", "a\nb\u202ec": "abc", strings.Repeat("ä", 300): strings.Repeat("ä", 100),
	} {
		delivery := set(push(), given, "body", "pusher", "name")
		require.Equal(t, []string{"push"}, passes(t, s, delivery), "%v", given)
		run := runOf(t, s, "push", delivery)
		assert.Equal(t, shown, run.Spec.Arguments.GetParameterByName("pusher").Value.String(), "%v", given)
	}
	delivery := push()
	delete(delivery["body"].(members), "pusher")
	run := runOf(t, s, "push", delivery)
	assert.Empty(t, run.Spec.Arguments.GetParameterByName("pusher").Value.String())
}
