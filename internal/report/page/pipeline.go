package page

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"
)

// MaxRuns is how many runs the page of a pipeline lists.
const MaxRuns = 60

// Pipeline is what the page of a pipeline shows.
type Pipeline struct {
	Name         string
	Now          time.Time // as of when
	Version      string    // of the program that writes the page
	Days         int       // that the keys look back at
	Total        int       // runs that the index has
	Environments []Deployed
	Keys         []Keys
	Slowest      []Pace
	Runs         []Summary // newest first
}

// Link is a run, and whether its page is beside this one.
type Link struct {
	Run string
	Has bool
}

// runName matches the name of a run, which is one of Kubernetes.
var runName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,252}$`)

// Href returns the address of the page of the run, beside this one; "" if it has none.
func (l Link) Href() string {
	if !l.Has || !runName.MatchString(l.Run) {
		return ""
	}
	return l.Run + ".html"
}

// Deployed is what is in an environment.
type Deployed struct {
	Name, Commit, Branch, By string
	Since                    time.Time
	Run                      Link
	LeftOut                  []string
	Failed                   *Failed
}

// Failed is a deployment that did not succeed.
type Failed struct {
	Commit, By, Error string
	Ended             time.Time
	Run               Link
}

// Keys are the four keys of an environment.
type Keys struct {
	Environment string
	Since       time.Time
	Deployments int
	Succeeded   int
	PerWeek     float64
	Lead        time.Duration
	Leads       int
	Failed      int
	FailureRate float64
	Restore     time.Duration
	Restores    int
}

// Frequency returns how often deployments succeed.
func (k Keys) Frequency() string {
	if k.PerWeek >= 7 {
		return fmt.Sprintf("%.1f a day", k.PerWeek/7)
	}
	return fmt.Sprintf("%.1f a week", k.PerWeek)
}

// Percent returns the share of deployments that failed.
func (k Keys) Percent() string { return fmt.Sprintf("%.0f %%", k.FailureRate*100) }

// Pace is how long a step takes.
type Pace struct {
	Step   string
	Now    time.Duration
	Before time.Duration
	Runs   []time.Duration
}

// Trend returns how much longer or shorter the step takes than before.
func (p Pace) Trend() string {
	if p.Before <= 0 {
		return ""
	}
	change := math.Round((float64(p.Now)/float64(p.Before) - 1) * 100)
	switch {
	case change > 0:
		return fmt.Sprintf("▲ %.0f %% longer", change)
	case change < 0:
		return fmt.Sprintf("▼ %.0f %% shorter", -change)
	}
	return "as before"
}

// Points returns the line of the last runs in a box of 100 by 20; "" for fewer than two.
func (p Pace) Points() string {
	if len(p.Runs) < 2 {
		return ""
	}
	var longest time.Duration
	for _, d := range p.Runs {
		longest = max(longest, d)
	}
	var points []string
	for i, d := range p.Runs {
		y := 19 - 18*float64(d)/float64(max(longest, 1))
		points = append(points, fmt.Sprintf("%.4g,%.3g", float64(i)*100/float64(len(p.Runs)-1), y))
	}
	return strings.Join(points, " ")
}

// Summary is a run that ended.
type Summary struct {
	Run                Link
	Word               string
	Status             Status
	Commit, Branch, By string
	Created, Ended     time.Time
	Environments       []string
	HandedOver         string
	Error, Skipped     string
	Check              bool
	Purpose            string
}

// Took returns how long the run took; "" is unknown.
func (s Summary) Took() string {
	if s.Created.IsZero() || !s.Ended.After(s.Created) {
		return ""
	}
	return duration(s.Ended.Sub(s.Created))
}

// To returns what the run came to.
func (s Summary) To() string {
	switch {
	case s.HandedOver != "":
		return "handed over to " + s.HandedOver
	case s.Check:
		return "pull request"
	}
	return strings.Join(s.Environments[:min(len(s.Environments), 12)], ", ")
}

// pipelineView is what the template of a pipeline shows.
type pipelineView struct {
	frame
	Pipeline
	More int // environments that are left out
}

// Age returns how long before the page was written something was.
func (v pipelineView) Age(t time.Time) string {
	if t.IsZero() || t.After(v.Now) {
		return ""
	}
	return duration(v.Now.Sub(t).Truncate(time.Minute))
}

// OfPipeline renders the page of a pipeline.
func OfPipeline(p Pipeline) ([]byte, error) {
	status := Good
	for _, env := range p.Environments {
		if env.Failed != nil {
			status = Bad
		}
	}
	return render("index.html", func(l limits) any {
		v := pipelineView{frame: framed(strings.TrimSpace(line(p.Name, longestName)+" pipeline"), status), Pipeline: p}
		most := min(len(p.Environments), l.stages)
		v.Environments, v.More, v.Pipeline.Keys = p.Environments[:most], len(p.Environments)-most, p.Keys[:min(len(p.Keys), l.stages)]
		v.Pipeline.Runs = p.Runs[:min(len(p.Runs), max(l.stages, 10))]
		return v
	})
}
