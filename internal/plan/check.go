package plan

import (
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/config"
)

// check returns the steps of a pull request. Whether they plan is decided by the installed
// pipeline, and not by the commit of the pull request.
func (b *builder) check(cfg *config.Config) []Step {
	steps := slices.Clone(b.steps[:1])
	if cfg.PullRequests.Plan != config.PlanTemplate {
		return steps
	}
	needed := merge(b.repository(cfg), sources{"bucket": literal(b.place.Bucket), "config-digest": {Output, Validate, ConfigDigest}})
	if reasons := cfg.PullRequests.FailOn; len(reasons) > 0 {
		texts := make([]string, len(reasons))
		for i, reason := range reasons {
			texts[i] = string(reason)
		}
		needed["fail-on"] = literal(strings.Join(texts, ","))
		if own := ownRoles(cfg); own != "" {
			needed["unplanned"] = literal(own)
		}
	}
	if Comments(cfg) {
		needed["pull-request"], needed["pipeline"] = Source{Parameter, "", PullRequest}, literal(cfg.WorkflowTemplateName)
	}
	return append(steps, b.step(PlanStep, "Plan what would change", "deployer-plan", Validator, []string{Validate}, needed))
}

// Comments reports whether the check of a pull request comments on it: it plans, and has a token.
func Comments(cfg *config.Config) bool {
	return cfg.PullRequests.Plan == config.PlanTemplate && cfg.RepositorySecret() != ""
}

// ownRoles lists the environments with a role of their own, which no check enters, as NAME=ROLE.
func ownRoles(cfg *config.Config) string {
	var own []string
	for _, env := range cfg.Environments {
		if env.RoleARN != "" {
			own = append(own, env.Name+"="+env.RoleARN)
		}
	}
	return strings.Join(own, ",")
}
