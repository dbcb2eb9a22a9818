package record

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// keep adds the deployments of earlier attempts of a run to those of the last one.
func (s *Summary) keep(earlier []Deployment) {
	for _, e := range earlier {
		if !slices.ContainsFunc(s.Deployments, func(d Deployment) bool { return d.Environment == e.Environment && d.Ended.Equal(e.Ended) }) {
			s.Deployments = append(s.Deployments, e)
		}
	}
	slices.SortStableFunc(s.Deployments, func(a, b Deployment) int { return a.Ended.Compare(b.Ended) })
	s.Deployments = s.Deployments[max(len(s.Deployments)-maxDeployments, 0):]
}

// deployments returns the deployments of a run that began. Of one whose pod was lost, Argo
// knows the end.
func (d *Document) deployments() (all []Deployment) {
	for _, env := range d.environments() {
		ended := env.Ended
		for _, failure := range d.Failures {
			task, _, _ := strings.Cut(failure.DisplayName, "(")
			if at, err := time.Parse(time.RFC3339, failure.FinishedAt); err == nil && ended.IsZero() && plan.DeployedBy(task) == env.Name {
				ended = at
			}
		}
		if ended.IsZero() {
			ended = d.Ended
		}
		all = append(all, Deployment{Environment: env.Name, Ended: ended.UTC(), Outcome: env.Outcome})
	}
	return all[:min(len(all), maxDeployments)]
}

// took returns how many seconds the slowest steps took that succeeded.
func (d *Document) took() map[string]float64 {
	steps := slices.Clone(d.Steps)
	steps = slices.DeleteFunc(steps, func(s stage.Record) bool {
		return s.Status != stage.Done || s.Started.IsZero() || !s.Ended.After(s.Started) || plan.WaitedFor(s.Step) != ""
	})
	slices.SortStableFunc(steps, func(a, b stage.Record) int { return cmp.Compare(b.Ended.Sub(b.Started), a.Ended.Sub(a.Started)) })
	took := map[string]float64{}
	for _, s := range steps[:min(len(steps), maxTook)] {
		took[s.Step] = s.Ended.Sub(s.Started).Round(100 * time.Millisecond).Seconds()
	}
	return took
}
