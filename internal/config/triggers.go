package config

import (
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // the images of the stages and WebAssembly have no time zones
)

// Triggers says which pushes deploy, and what starts runs besides.
type Triggers struct {
	// The files that a push must change to deploy anything, as paths from the root of the
	// repository: `*` and `?` match within a folder, `**` across folders. A pattern after
	// `!` excludes what an earlier one matched; the last one that matches a file decides.
	// The configuration file always counts. If none has changed since the last commit that
	// was deployed, the run ends after its validation with the status `Skipped`.
	Paths []string `json:"paths,omitempty" rule:"pathPattern" example:"[\"services/api/**\", \"!**/*.md\"]"`

	// The tags that start a run of their commit, with the wildcards of `paths`, such as
	// `v*`. The commit must be on `githubBranch`, whose pushes start runs as well.
	Tags []string `json:"tags,omitempty" rule:"tagPattern" example:"[\"v*\"]"`

	// When to deploy the head of `githubBranch` once more although it had its run, as a
	// cron schedule in `timezone`.
	Schedule string `json:"schedule,omitempty" rule:"cron" example:"\"0 3 * * 1-5\""`

	// The time zone of `schedule`, and with it of `reconcileSchedule`.
	Timezone string `json:"timezone,omitempty" default:"UTC" rule:"timezone" example:"Europe/Berlin"`
}

// PullRequests says how pull requests of the repository itself are checked. Those of forks
// are not.
type PullRequests struct {
	// Whether the check of a pull request plans what its commit would change: `template`
	// builds the commit and compares the templates of each environment with the deployed ones,
	// `off` validates the commit alone. With a token, the pull request gets the plan as a comment.
	// The plan creates nothing in any account. The build
	// commands of a pull request get no cache, and neither `build.roleArn` nor `build.secrets`:
	// a build that fails without them is reported as not planned.
	Plan PullRequestPlan `json:"plan,omitempty" default:"template" oneof:"template,off"`

	// What a check fails for: `broadening` is a permission or a network that becomes broader,
	// `destructive` is a resource that keeps data, such as a table, and is replaced or removed with it. A
	// check then fails also for an environment that could not be planned, unless the installed
	// pipeline has its `roleArn`. A pull request adds to these, and takes none away.
	FailOn []PlanReason `json:"failOn,omitempty" oneof:"broadening,destructive" example:"[destructive]"`
}

// Counts reports whether a change of a file deploys: by the patterns of paths, or because
// it is the configuration file. Both are paths from the root of the repository.
func (t Triggers) Counts(name, file string) bool {
	if name == path.Clean(filepath.ToSlash(file)) {
		return true
	}
	for _, pattern := range slices.Backward(t.Paths) {
		rest, excludes := strings.CutPrefix(pattern, "!")
		if compiled("^" + wildcards(rest) + "$").MatchString(name) {
			return !excludes
		}
	}
	return false
}

// TagPattern returns a regular expression that matches the tags of the configuration and
// nothing else, without ^ and $.
func (t Triggers) TagPattern() string {
	var each []string
	for _, tag := range t.Tags {
		each = append(each, wildcards(tag))
	}
	return "(?:" + strings.Join(each, "|") + ")"
}

// wildcard matches the parts of a pattern that are not literal. A folder before ** may be
// missing altogether.
var wildcard = regexp.MustCompile(`\*\*/|\*+|\?`)

// wildcards returns the regular expression of a pattern.
func wildcards(pattern string) string {
	var expression strings.Builder
	at := 0
	for _, found := range wildcard.FindAllStringIndex(pattern, -1) {
		expression.WriteString(regexp.QuoteMeta(pattern[at:found[0]]))
		at = found[1]
		switch part := pattern[found[0]:found[1]]; {
		case part == "?":
			expression.WriteString(`[^/]`)
		case part == "*":
			expression.WriteString(`[^/]*`)
		case part == "**/" && (found[0] == 0 || pattern[found[0]-1] == '/'):
			expression.WriteString(`(?s:(?:.*/)?)`)
		case part == "**/":
			expression.WriteString(`(?s:.*/)`)
		default:
			expression.WriteString(`(?s:.*)`)
		}
	}
	return expression.String() + regexp.QuoteMeta(pattern[at:])
}

// patternProblem returns why a pattern matches no path of a repository, or "".
func patternProblem(pattern string) string {
	pattern = strings.TrimPrefix(pattern, "!")
	if strings.HasSuffix(pattern, "/") {
		return "names a folder: write " + quote(pattern+"**") + " for all files in it"
	}
	if path.Clean(pattern) != pattern || strings.HasPrefix(pattern, "../") || pattern == ".." || pattern == "." {
		return "is no path from the root of the repository"
	}
	return ""
}

// timezoneProblem returns why a text is not a time zone, or "". "Local" is that of whoever reads it.
func timezoneProblem(name string) string {
	if _, err := time.LoadLocation(name); err != nil || name == "Local" {
		return "is not in the IANA Time Zone Database"
	}
	return ""
}

// checkTriggers requires a pattern that includes files, and a schedule for a time zone.
func checkTriggers(c *Config, r *report) {
	t := c.Triggers
	if len(t.Paths) > 0 && strings.HasPrefix(t.Paths[0], "!") {
		r.atPath("triggers.paths[0]", "the first of triggers.paths excludes files, but none is included before it").
			Hint = `begin with what counts, such as "**" for all files`
	}
	if t.Schedule == "" && t.Timezone != "" && t.Timezone != "UTC" {
		r.atPath("triggers.timezone", "triggers.timezone is for triggers.schedule, which is not set").Hint = "remove it, or set triggers.schedule"
	}
}
