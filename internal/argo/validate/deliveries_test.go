package validate

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	eventsv1 "github.com/argoproj/argo-events/pkg/apis/events/v1alpha1"
	eventsources "github.com/argoproj/argo-events/pkg/eventsources/common"
	"github.com/argoproj/argo-events/pkg/eventsources/sources/github"
	"github.com/argoproj/argo-events/pkg/metrics"
	wfv1 "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	"github.com/argoproj/argo-workflows/v3/workflow/common"
	argo "github.com/argoproj/argo-workflows/v3/workflow/validate"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// webhook is Argo Events' receiver of GitHub's deliveries, configured by the EventSource. It
// has no secret: signatures are tested on the cluster.
type webhook struct {
	url      string
	received chan []byte
}

var listening = sync.OnceValues(func() (*webhook, error) {
	text, err := os.ReadFile("../testdata/golden/one-environment/objects.yaml")
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	hook, err := hookOf(text)
	if err != nil {
		return nil, err
	}
	hook.WebhookSecret, hook.Webhook.Port = nil, port
	w := &webhook{url: "http://127.0.0.1:" + port + hook.Webhook.Endpoint, received: make(chan []byte, 1)}
	listener := &github.EventListener{EventSourceName: "github", EventName: "github", GithubEventSource: hook, Metrics: metrics.NewMetrics("argo-events")}
	failed := make(chan error, 1)
	go func() {
		failed <- listener.StartListening(context.Background(), func(data []byte, _ ...eventsources.Option) error {
			w.received <- data
			return nil
		})
	}()
	for range 600 {
		select {
		case err := <-failed:
			return nil, err
		case <-time.After(50 * time.Millisecond):
		}
		if response, err := http.Get(w.url); err == nil {
			_ = response.Body.Close()
			return w, nil
		}
	}
	return nil, fmt.Errorf("the receiver did not begin to listen at %s", w.url)
})

func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, err
}

func hookOf(stream []byte) (eventsv1.GithubEventSource, error) {
	for _, text := range bytes.Split(stream, []byte("\n---\n")) {
		var source eventsv1.EventSource
		if err := yaml.Unmarshal(text, &source); err == nil && source.Kind == "EventSource" {
			return source.Spec.Github["github"], nil
		}
	}
	return eventsv1.GithubEventSource{}, fmt.Errorf("there is no EventSource")
}

// deliver posts a delivery as GitHub does. It returns the event that Argo Events
// makes of it, or nil if there is none.
func deliver(t *testing.T, kind string, body []byte, form bool) *eventsv1.Event {
	t.Helper()
	w, err := listening()
	require.NoError(t, err)
	contentType := "application/json"
	if form {
		contentType, body = "application/x-www-form-urlencoded", []byte(url.Values{"payload": {string(body)}}.Encode())
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url, bytes.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("X-GitHub-Event", kind)
	request.Header.Set("X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958")
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil
	}
	return &eventsv1.Event{Context: &eventsv1.EventContext{DataContentType: eventsv1.MediaTypeJSON}, Data: <-w.received}
}

// repository is the repository that a pipeline is rendered for.
type repository struct{ Owner, Repo, Branch string }

// pipelines holds rendered objects by repository.
var pipelines sync.Map

func (r repository) objects(t *testing.T) []object {
	t.Helper()
	if known, found := pipelines.Load(r); found {
		return known.([]object)
	}
	objects := rendered(t, fmt.Sprintf("version: \"1.0\"\ngithubOwner: %q\ngithubRepo: %q\ngithubBranch: %q\nclusterName: company\n", r.Owner, r.Repo, r.Branch)+
		environments(1, func(int) string { return "" }))
	pipelines.Store(r, objects)
	return objects
}

// TestADeliveryStartsWhatItShould sends deliveries through Argo Events' receiver,
// the Sensor's filters and parameters, and Argo's own validation of the Workflow.
func TestADeliveryStartsWhatItShould(t *testing.T) {
	files, err := filepath.Glob("testdata/deliveries/*.json")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 55)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		var given struct {
			Name   string
			Config repository
			Event  string
			Form   bool
			Body   json.RawMessage
			Expect struct {
				Fires      string
				Parameters map[string]string
			}
		}
		require.NoError(t, json.Unmarshal(data, &given))
		t.Run(filepath.Base(file)+" "+given.Name, func(t *testing.T) {
			objects := given.Config.objects(t)
			fired := firedBy(t, objects, deliver(t, given.Event, given.Body, given.Form))
			if given.Expect.Fires == "" {
				assert.Empty(t, fired)
				return
			}
			require.Len(t, fired, 1)
			require.Contains(t, fired, given.Expect.Fires)
			run := fired[given.Expect.Fires]
			for name, value := range given.Expect.Parameters {
				assert.Equal(t, value, run.Spec.Arguments.GetParameterByName(name).Value.String(), name)
			}
			assertRuns(t, objects, run)
		})
	}
}

// TestATagStartsARunOfItsCommit sends tags as GitHub does: after is the commit, or an
// annotated tag of it.
func TestATagStartsARunOfItsCommit(t *testing.T) {
	data, err := os.ReadFile("testdata/deliveries/03.json")
	require.NoError(t, err)
	var given struct{ Body map[string]any }
	require.NoError(t, json.Unmarshal(data, &given))
	objects := rendered(t, "version: \"1.0\"\ngithubOwner: my-org\ngithubRepo: my-app\nclusterName: company\ntriggers: {tags: [v*]}\n"+environments(1, func(int) string { return "" }))
	fired := func(change func(body map[string]any)) map[string]wfv1.Workflow {
		body := maps.Clone(given.Body)
		change(body)
		text, err := json.Marshal(body)
		require.NoError(t, err)
		return firedBy(t, objects, deliver(t, "push", text, false))
	}
	commit := given.Body["head_commit"].(map[string]any)["id"].(string)
	names := map[string]bool{}
	for _, change := range []func(map[string]any){
		func(map[string]any) {},
		func(body map[string]any) { body["after"] = strings.Repeat("7", 40) },
		func(body map[string]any) { body["ref"] = "refs/tags/v2" },
	} {
		runs := fired(change)
		require.Len(t, runs, 1)
		run := runs["tag"]
		names[run.Name] = true
		assert.Regexp(t, "^my-app-"+commit[:32]+"-t[0-9a-f]{4}$", run.Name)
		assert.Equal(t, commit, run.Spec.Arguments.GetParameterByName("commit-sha").Value.String())
		assert.Equal(t, "main", run.Spec.Arguments.GetParameterByName("branch").Value.String())
		assert.Regexp(t, "^Deploy my-org/my-app, tag v[0-9.]+ at "+commit+"$", run.Annotations["workflows.argoproj.io/title"])
		assertRuns(t, objects, run)
	}
	assert.Len(t, names, 2, "one for each tag")
	for name, change := range map[string]func(map[string]any){
		"another tag":             func(body map[string]any) { body["ref"] = "refs/tags/w1" },
		"a tag that is deleted":   func(body map[string]any) { body["deleted"] = true },
		"a tag of a file":         func(body map[string]any) { body["head_commit"] = nil },
		"a branch of that name":   func(body map[string]any) { body["ref"] = "refs/heads/v1" },
		"a name with expressions": func(body map[string]any) { body["ref"] = "refs/tags/v{{workflow.name}}" },
	} {
		assert.Empty(t, fired(change), name)
	}
	assert.Len(t, fired(func(body map[string]any) { body["ref"] = "refs/heads/main" }), 1, "a push of the branch starts its run as before")
}

// TestADeliveryThatIsSentTwiceStartsOneRunAndALargeOneStartsOneToo is T8. A Workflow has the
// name of its commit, so that the API server refuses the second one; another commit has another.
func TestADeliveryThatIsSentTwiceStartsOneRunAndALargeOneStartsOneToo(t *testing.T) {
	data, err := os.ReadFile("testdata/deliveries/01.json")
	require.NoError(t, err)
	var given struct {
		Config repository
		Event  string
		Body   map[string]any
		Expect struct{ Fires string }
	}
	require.NoError(t, json.Unmarshal(data, &given))
	objects := given.Config.objects(t)
	run := func() wfv1.Workflow {
		body, err := json.Marshal(given.Body)
		require.NoError(t, err)
		fired := firedBy(t, objects, deliver(t, given.Event, body, false))
		require.Contains(t, fired, given.Expect.Fires)
		return fired[given.Expect.Fires]
	}
	first := run()
	require.NotEmpty(t, first.Name)
	assert.Equal(t, first.Name, run().Name, "the same delivery again")

	commits := given.Body["commits"].([]any)
	for size := 0; size < 3<<19; size += 10 << 10 { // 1.5 MiB
		commits = append(commits, map[string]any{"id": given.Body["after"], "message": strings.Repeat("x", 10<<10)})
	}
	given.Body["commits"] = commits
	large := run()
	assert.Equal(t, first.Name, large.Name)
	text, err := json.Marshal(large)
	require.NoError(t, err)
	assert.Less(t, len(text), 10<<10, "a run gets the values that it needs and no more")
	assertRuns(t, objects, large)

	given.Body["after"] = strings.Repeat("5", 40)
	assert.NotEqual(t, first.Name, run().Name, "another commit")
}

// firedBy returns the Workflow of every trigger that an event fires.
func firedBy(t *testing.T, objects []object, event *eventsv1.Event) map[string]wfv1.Workflow {
	t.Helper()
	fired := map[string]wfv1.Workflow{}
	if event == nil {
		return fired
	}
	sensor, found := decode[eventsv1.Sensor](t, objects, "Sensor")
	require.True(t, found)
	for _, dependency := range passesEvent(sensor, event) {
		fired[dependency] = runOfEvent(t, sensor, dependency, event)
	}
	return fired
}

// assertRuns checks a run by Argo's validation, and the branch that its pods get.
func assertRuns(t *testing.T, objects []object, run wfv1.Workflow) {
	t.Helper()
	template, _ := decode[wfv1.WorkflowTemplate](t, objects, "WorkflowTemplate")
	assert.LessOrEqual(t, len(run.Name+run.GenerateName), 63)
	require.NoError(t, argo.ValidateWorkflow(templates{&template}, nil, &run, nil, argo.ValidateOpts{Submit: true}))
	known := common.Parameters{"workflow.name": run.Name, "workflow.creationTimestamp.RFC3339": "CREATED"}
	for _, parameter := range run.Spec.Arguments.Parameters {
		known["workflow.parameters."+parameter.Name] = parameter.Value.String()
	}
	for _, node := range template.Spec.Templates {
		if node.Name != "validator" {
			continue
		}
		became, err := common.SubstituteParams(&node, known, common.Parameters{})
		require.NoError(t, err)
		assert.Equal(t, run.Spec.Arguments.GetParameterByName("branch").Value.String(), variable(t, became.Container.Env, "APHEX_BRANCH"))
	}
}

// examples installs the examples published by the maintainers of a GitHub client, once. They
// are not part of this repository.
var examples = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(scratch, "examples")
	if err := os.CopyFS(dir, os.DirFS("testdata/examples")); err != nil {
		return "", err
	}
	install := exec.Command("npm", "ci", "--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		return "", fmt.Errorf("installing the published examples: %w: %s", err, out)
	}
	return filepath.Join(dir, "node_modules/@octokit/webhooks-examples/api.github.com/index.json"), nil
})

// TestOfThePublishedExamplesOnlyPushesAndPullRequestsStartARun replaces repository and
// branch in each example by ours.
func TestOfThePublishedExamplesOnlyPushesAndPullRequestsStartARun(t *testing.T) {
	file, err := examples()
	require.NoError(t, err)
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	var kinds []struct {
		Name     string
		Examples []json.RawMessage
	}
	require.NoError(t, json.Unmarshal(data, &kinds))
	ours := repository{"Codertocat", "Hello-World", "master"}
	objects := ours.objects(t)
	seen, fired := 0, map[string]int{}
	for _, kind := range kinds {
		for i, example := range kind.Examples {
			body := ofOurs(t, example, ours)
			seen++
			for name, run := range firedBy(t, objects, deliver(t, kind.Name, body, i%2 == 1)) {
				fired[kind.Name+" "+name]++
				assertRuns(t, objects, run)
			}
		}
	}
	t.Logf("%d examples: %v", seen, fired)
	assert.Greater(t, seen, 300)
	for what := range fired {
		assert.Contains(t, []string{"push push", "pull_request pull"}, what)
	}
	assert.NotEmpty(t, fired["push push"])
	assert.NotEmpty(t, fired["pull_request pull"])
}

// ofOurs returns an example with the names of our repository and branch.
func ofOurs(t *testing.T, example []byte, ours repository) []byte {
	t.Helper()
	var body members
	require.NoError(t, json.Unmarshal(example, &body))
	name := func(at any) {
		if named, is := at.(members); is {
			named["full_name"] = ours.Owner + "/" + ours.Repo
			named["clone_url"] = "https://github.com/" + ours.Owner + "/" + ours.Repo + ".git"
		}
	}
	name(body["repository"])
	if pull, is := body["pull_request"].(members); is {
		for _, side := range []string{"base", "head"} {
			if end, is := pull[side].(members); is {
				name(end["repo"])
			}
		}
		if base, is := pull["base"].(members); is {
			base["ref"] = ours.Branch
		}
	}
	if ref, is := body["ref"].(string); is && strings.HasPrefix(ref, "refs/heads/") {
		body["ref"] = "refs/heads/" + ours.Branch
	}
	data, err := json.Marshal(body)
	require.NoError(t, err)
	return data
}
