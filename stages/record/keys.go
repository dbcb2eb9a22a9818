package record

import (
	"cmp"
	"slices"
	"time"

	"github.com/aphex/aphex-pipeline/internal/notify/event"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// Window is the time that the four keys look back at.
const Window = 30 * 24 * time.Hour

// Keys are DORA's four keys of an environment in the [Window] before a time. A deployment is
// an attempt to deploy to the environment, with its tests, that succeeded or failed: one that
// was stopped or superseded does not count.
type Keys struct {
	Environment string
	Since       time.Time // begin of the window, or the first deployment if that is later
	Deployments int       // in the window
	Succeeded   int
	// PerWeek is how many deployments succeeded in a week, of the window or at least a day.
	PerWeek float64
	// Lead is the median time from the first run of a commit to the end of its first successful
	// deployment to the environment, of the Leads commits whose deployment is in the window.
	Lead  time.Duration
	Leads int
	// Failed are the deployments that failed, and those that a rollback followed; FailureRate
	// is their share.
	Failed      int
	FailureRate float64
	// Restore is the median time from the end of the first of several such deployments to the
	// end of the next successful one, of the Restores that are in the window.
	Restore  time.Duration
	Restores int
}

// attempt is a deployment with its run.
type attempt struct {
	Deployment
	commit, purpose string
	bad             bool // it failed, or was rolled back
}

// Keys returns the four keys of each environment of the index, in its order.
func (x Index) Keys(now time.Time) (all []Keys) {
	begun := map[string]time.Time{} // by commit
	attempts := map[string][]attempt{}
	for _, run := range x.Runs {
		created, err := time.Parse(time.RFC3339, run.Created)
		if before, known := begun[run.Commit]; err == nil && !run.Check && (!known || created.Before(before)) {
			begun[run.Commit] = created
		}
		for _, d := range run.Deployments {
			if d.Outcome == event.Succeeded || d.Outcome == event.Failed {
				attempts[d.Environment] = append(attempts[d.Environment], attempt{d, run.Commit, run.Purpose, d.Outcome == event.Failed})
			}
		}
	}
	for _, env := range x.Environments {
		all = append(all, keysOf(env.Environment, attempts[env.Environment], begun, now))
	}
	return all
}

func keysOf(environment string, attempts []attempt, begun map[string]time.Time, now time.Time) Keys {
	k := Keys{Environment: environment, Since: now.Add(-Window)}
	slices.SortStableFunc(attempts, func(a, b attempt) int { return a.Ended.Compare(b.Ended) })
	for i := 1; i < len(attempts); i++ {
		if attempts[i].purpose == string(plan.ToRollBack) && attempts[i].Outcome == event.Succeeded {
			attempts[i-1].bad = true
		}
	}
	if len(attempts) > 0 && attempts[0].Ended.After(k.Since) {
		k.Since = attempts[0].Ended
	}
	var leads, restores []time.Duration
	deployed := map[string]bool{} // commits
	var broken time.Time          // since when the environment has what failed
	for _, a := range attempts {
		counts := !a.Ended.Before(k.Since) && !a.Ended.After(now)
		if a.Outcome == event.Succeeded {
			if from, known := begun[a.commit]; counts && known && !deployed[a.commit] && a.Ended.After(from) {
				leads = append(leads, a.Ended.Sub(from))
			}
			deployed[a.commit] = true
			if counts && !broken.IsZero() {
				restores = append(restores, a.Ended.Sub(broken))
			}
			broken = time.Time{}
		}
		if a.bad && broken.IsZero() {
			broken = a.Ended
		}
		if counts {
			k.count(a)
		}
	}
	k.Lead, k.Leads, k.Restore, k.Restores = median(leads), len(leads), median(restores), len(restores)
	if k.Deployments > 0 {
		k.FailureRate = float64(k.Failed) / float64(k.Deployments)
		k.PerWeek = float64(k.Succeeded) * float64(7*24*time.Hour) / float64(max(now.Sub(k.Since), 24*time.Hour))
	}
	return k
}

func (k *Keys) count(a attempt) {
	k.Deployments++
	if a.Outcome == event.Succeeded {
		k.Succeeded++
	}
	if a.bad {
		k.Failed++
	}
}

// median returns the median; of an even number, the mean of the two in the middle.
func median(values []time.Duration) time.Duration {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	half := len(values) / 2
	if len(values)%2 == 1 {
		return values[half]
	}
	return (values[half-1] + values[half]) / 2
}

// Pace is how long a step takes, and whether it takes longer than before.
type Pace struct {
	Step   string
	Now    time.Duration   // median of the last ten runs
	Before time.Duration   // median of the ten runs before; 0 is unknown
	Runs   []time.Duration // of the last runs, oldest first
}

// Limits of what is said of paces.
const (
	paceRuns   = 30
	paceMedian = 10
	paceSteps  = 10
)

// Slowest returns the steps that take longest, in the runs in which they succeeded.
func (x Index) Slowest() []Pace {
	took := map[string][]time.Duration{} // newest first
	for _, run := range x.Runs {
		for step, s := range run.Took {
			if len(took[step]) < paceRuns {
				took[step] = append(took[step], time.Duration(s*float64(time.Second)))
			}
		}
	}
	all := []Pace{}
	for step, values := range took {
		p := Pace{Step: step, Runs: slices.Clone(values)}
		slices.Reverse(p.Runs)
		p.Now = median(slices.Clone(values[:min(len(values), paceMedian)]))
		if len(values) >= 2*paceMedian {
			p.Before = median(slices.Clone(values[paceMedian : 2*paceMedian]))
		}
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b Pace) int { return cmp.Or(cmp.Compare(b.Now, a.Now), cmp.Compare(a.Step, b.Step)) })
	return all[:min(len(all), paceSteps)]
}
