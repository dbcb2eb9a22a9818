package e2e

import (
	"encoding/json"
	"fmt"
	"net/url"
	"sort"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/e2e/node"
)

// workflow is the part of a run that tests read.
type workflow struct {
	Metadata struct {
		Name, ResourceVersion string
		Labels, Annotations   map[string]string
	}
	Status struct {
		Phase, Message string
		Nodes          map[string]step
		StartedAt      time.Time
		FinishedAt     time.Time
	}
}

// step is a node of a run.
type step struct {
	Name, DisplayName, Type, Phase, Message string
	StartedAt, FinishedAt                   time.Time
	Outputs                                 struct {
		Parameters []struct{ Name, Value string }
		ExitCode   string
	}
}

const runs = "/apis/argoproj.io/v1alpha1/namespaces/" + node.Runs + "/workflows"

// limit is how long a run may take on a busy machine.
const limit = 25 * time.Minute

// runOf returns the name of the first run of a commit.
func (p *pipeline) runOf(commit string) string { return p.name + "-" + commit[:32] }

// finished waits for the end of the first run of a commit, and logs its steps.
func (p *pipeline) finished(commit string) workflow {
	p.t.Helper()
	return p.ended(p.runOf(commit))
}

// ended waits for the end of a run and returns it.
func (p *pipeline) ended(name string) workflow {
	p.t.Helper()
	return p.until(name, func(w workflow) bool { return !w.Status.FinishedAt.IsZero() })
}

// recordOf reads the record of a run in the bucket of a small pipeline.
func (p *pipeline) recordOf(run string) (record struct {
	Status, Error, HandedOver, Origin string
	Steps                             []struct{ Step, Status, Error string }
},
) {
	p.t.Helper()
	require.NoError(p.t, json.Unmarshal(p.object(p.name+"-artifacts", "metadata/workflows/"+run+".json"), &record))
	return record
}

// until waits for a state of a run, and fails if the run ends before.
func (p *pipeline) until(name string, reached func(workflow) bool) workflow {
	p.t.Helper()
	var last workflow
	reported := map[string]string{}
	p.eventually("workflow "+name, limit, func() bool {
		var w workflow
		if p.node.Get(p.ctx, runs+"/"+name, &w) != nil {
			return false
		}
		last = w
		p.logProgress(w, reported)
		if !reached(w) {
			require.Truef(p.t, w.Status.FinishedAt.IsZero(), "%s ended as %s: %s", name, w.Status.Phase, w.Status.Message)
			return false
		}
		return true
	})
	return last
}

// logProgress logs the steps of a run whose state changed since the last call.
func (p *pipeline) logProgress(w workflow, reported map[string]string) {
	for _, s := range w.steps() {
		if state := s.Phase + " " + s.Message; reported[s.Name] != state {
			reported[s.Name] = state
			p.t.Logf("%s  %-14s %s", time.Now().Format(time.TimeOnly), s.DisplayName, state)
		}
	}
}

// steps returns the steps that are pods or wait for approval, in their order.
func (w workflow) steps() []step {
	var found []step
	for _, s := range w.Status.Nodes {
		if s.Type == "Pod" || s.Type == "Suspend" {
			found = append(found, s)
		}
	}
	sort.Slice(found, func(i, j int) bool {
		if found[i].StartedAt.Equal(found[j].StartedAt) {
			return found[i].Name < found[j].Name
		}
		return found[i].StartedAt.Before(found[j].StartedAt)
	})
	return found
}

// names returns the names of the steps, each once, in the order of their start.
func (w workflow) names() []string {
	var names []string
	seen := map[string]bool{}
	for _, s := range w.steps() {
		name, _, _ := strings.Cut(s.DisplayName, "(")
		if !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return names
}

// step returns a step by its name, with or without the number of the attempt.
func (w workflow) step(name string) step {
	for _, s := range w.Status.Nodes {
		if s.DisplayName == name {
			return s
		}
	}
	return step{}
}

func (w workflow) output(stepName, parameter string) string {
	for _, s := range w.steps() {
		name, _, _ := strings.Cut(s.DisplayName, "(")
		for _, found := range s.Outputs.Parameters {
			if name == stepName && found.Name == parameter {
				return found.Value
			}
		}
	}
	return ""
}

// runsOf returns the runs of a pipeline, without those of the reconciler.
func (p *pipeline) runsOf() []workflow {
	p.t.Helper()
	var list struct{ Items []workflow }
	selector := "app.kubernetes.io/component=run,app.kubernetes.io/instance=" + p.name + "-pipeline"
	require.NoError(p.t, p.node.Get(p.ctx, runs+"?labelSelector="+url.QueryEscape(selector), &list))
	return list.Items
}

func (w workflow) table() string {
	var text strings.Builder
	for _, s := range w.steps() {
		fmt.Fprintf(&text, "\n  %-16s %-10s %6.1fs", s.DisplayName, s.Phase, s.FinishedAt.Sub(s.StartedAt).Seconds())
	}
	return text.String()
}
