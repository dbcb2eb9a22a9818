package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/stretchr/testify/require"
)

// Accounts and regions of the three environments of the measured run.
var measured = []struct{ environment, account, region string }{
	{"dev", "333333333333", homeRegion}, {"staging", "444444444444", homeRegion}, {"prod", "555555555555", "eu-central-1"},
}

// TestThreeEnvironmentsInTheClusterAndTheSameLocalRun runs one commit of the whole shop in
// the cluster and locally. With -figures it stores the durations.
func TestThreeEnvironmentsInTheClusterAndTheSameLocalRun(t *testing.T) {
	for _, m := range measured {
		require.NoError(t, shared.bootstrap(m.account, m.region, "us-east-1"))
	}
	p := newPipeline(t, "triple", shop, func(p *pipeline) {
		p.replace("aphex-config.yaml", "githubRepo: shop", "githubRepo: triple", "workflowTemplateName: shop-pipeline", "workflowTemplateName: triple-pipeline",
			"workflowNamePrefix: shop-", "workflowNamePrefix: triple-", "111111111111", "333333333333", "222222222222", "555555555555",
			"clusterName: company-pipelines\n", "clusterName: company-pipelines\nartifactBucketName: triple-artifacts\n"+p.onThisCluster(),
			"\n  # Another account", staging+"\n  # Another account")
	})
	commit := p.push("Sell in three places")
	run := p.finished(commit)
	require.Equal(t, "Succeeded", run.Status.Phase, run.Status.Message)
	here := p.runHere()

	rows := p.figures(run, commit, here)
	text, err := json.MarshalIndent(rows, "", "  ")
	require.NoError(t, err)
	t.Logf("the run took %s%s\n%s", run.Status.FinishedAt.Sub(run.Status.StartedAt), run.table(), text)
	if *figures != "" {
		require.NoError(t, addFigures(*figures, rows))
	}
}

const staging = `  - name: staging
    account: "444444444444"
    region: eu-west-1
    stacks: [DatabaseStack, ApiStack, EdgeStack]
    concurrency: 2
    tests:
      commands:
        - npm run --silent test:deployed
`

// record is the measured part of the record of a run.
type record struct {
	Steps []struct {
		Step           string
		Started, Ended time.Time
	}
}

// runHere runs the commit with processes instead of pods, and returns its record.
func (p *pipeline) runHere() record {
	p.t.Helper()
	state := filepath.Join(p.work, "local-run", p.name)
	tools, err := filepath.Abs(filepath.Join(shop, "node_modules/.bin"))
	require.NoError(p.t, err)
	program, err := filepath.Abs(*generator)
	require.NoError(p.t, err)
	// The packages are in npm's cache, as on a developer's machine.
	p.command("env", "--unset=AWS_ACCESS_KEY_ID", "--unset=AWS_ENDPOINT_URL", "PATH="+tools+":"+os.Getenv("PATH"), "npm_config_cache="+filepath.Dir(p.worldOptions().NPMCache),
		"npm_config_offline=true", program, "run", "--source", p.folder, "--state", state, "--yes")
	var kept record
	require.NoError(p.t, filepath.WalkDir(state, func(path string, _ os.DirEntry, err error) error {
		if err != nil || filepath.Base(filepath.Dir(path)) != "workflows" || filepath.Ext(path) != ".json" {
			return err
		}
		text, err := os.ReadFile(path)
		if err == nil {
			err = json.Unmarshal(text, &kept)
		}
		return err
	}))
	require.NotEmpty(p.t, kept.Steps, "no record below %s", state)
	return kept
}

// figure is a row of bench.json.
type figure struct {
	Name   string  `json:"name"`
	Ours   float64 `json:"ours"`
	Theirs float64 `json:"theirs,omitempty"` // the same stages in a local run
	Ratio  float64 `json:"ratio,omitempty"`
	Unit   string  `json:"unit"`
}

// figures measures a run: each pod, from its creation by Argo to its end, next to the same
// stages as processes; and the overhead, which is neither CloudFormation's time nor that
// of the app's build and tests.
func (p *pipeline) figures(run workflow, commit string, here record) []figure {
	p.t.Helper()
	var rows []figure
	pods := 0
	for _, s := range run.steps() {
		name, _, _ := strings.Cut(s.DisplayName, "(")
		pods++
		row := figure{Name: "cluster-" + name, Ours: s.FinishedAt.Sub(s.StartedAt).Seconds(), Unit: "s"}
		for _, local := range here.Steps {
			if local.Step == name || local.Step == strings.Replace(name, "deploy-", "test-", 1) {
				row.Theirs += local.Ended.Sub(local.Started).Seconds()
				row.Ratio = row.Ours / row.Theirs
			}
		}
		rows = append(rows, row)
	}
	wall := run.Status.FinishedAt.Sub(run.Status.StartedAt)
	theirs := p.buildTime(commit)
	for _, m := range measured {
		theirs += p.testTime(commit, m.environment) + p.cloudTime(m.account, m.region)
	}
	return append(rows, figure{Name: "cluster-run", Ours: wall.Seconds(), Unit: "s"},
		figure{Name: "cluster-overhead", Ours: (wall - theirs).Seconds(), Unit: "s"}, figure{Name: "cluster-pods", Ours: float64(pods), Unit: "pods"})
}

// timed are the app's commands that a stage ran.
type timed struct {
	Commands []struct{ Seconds float64 }
}

func (t timed) sum() time.Duration {
	var seconds float64
	for _, command := range t.Commands {
		seconds += command.Seconds
	}
	return time.Duration(seconds * float64(time.Second))
}

func (p *pipeline) buildTime(commit string) time.Duration {
	p.t.Helper()
	found, err := decode[timed](p.object(p.name+"-artifacts", commit+"/artifact.json"))
	require.NoError(p.t, err)
	return found.sum()
}

func (p *pipeline) testTime(commit, environment string) time.Duration {
	p.t.Helper()
	found, err := decode[timed](p.object(p.name+"-artifacts", commit+"/"+environment+"/tests/report.json"))
	require.NoError(p.t, err)
	return found.sum()
}

// cloudTime returns how long CloudFormation worked in an environment, by its events: with
// two stacks in parallel, less than the sum of their times.
func (p *pipeline) cloudTime(account, region string) time.Duration {
	p.t.Helper()
	type span struct{ from, to time.Time }
	var spans []span
	for stack, at := range map[string]string{"DatabaseStack": region, "ApiStack": region, "EdgeStack": "us-east-1"} {
		found, err := cloudformation.NewFromConfig(p.admin(account, at)).DescribeStackEvents(p.ctx, &cloudformation.DescribeStackEventsInput{StackName: &stack})
		require.NoError(p.t, err)
		events := found.StackEvents // the newest first
		spans = append(spans, span{*events[len(events)-1].Timestamp, *events[0].Timestamp})
	}
	slices.SortFunc(spans, func(a, b span) int { return a.from.Compare(b.from) })
	var total time.Duration
	var until time.Time
	for _, s := range spans {
		if s.from.Before(until) {
			s.from = until
		}
		if s.to.After(s.from) {
			total, until = total+s.to.Sub(s.from), s.to
		}
	}
	return total
}

// addFigures writes rows to the file of make bench, and replaces those of an earlier run.
func addFigures(file string, rows []figure) error {
	var all []map[string]any
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("reading %s: %w", file, err)
	}
	all = slices.DeleteFunc(all, func(row map[string]any) bool { return strings.HasPrefix(fmt.Sprint(row["name"]), "cluster-") })
	for _, row := range rows {
		encoded, err := json.Marshal(row)
		if err != nil {
			return err
		}
		kept, err := decode[map[string]any](encoded)
		if err != nil {
			return err
		}
		all = append(all, kept)
	}
	if text, err = json.MarshalIndent(all, "", "  "); err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}
