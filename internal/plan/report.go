package plan

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/config"
)

// targets returns the notifications of the configuration as JSON; "" is none. Its texts have
// no two braces in a row, as the rules of their keys say.
func targets(cfg *config.Config) string {
	if cfg.Notifications == nil {
		return ""
	}
	text, _ := json.Marshal(cfg.Notifications) // strings always encode
	return string(text)
}

// page returns the sources of the URL of a run's page.
func page(cfg *config.Config) sources {
	if cfg.RunURL == "" {
		return nil
	}
	return sources{"run-url": literal(strings.ReplaceAll(cfg.RunURL, "{namespace}", cfg.ArgoNamespace))}
}

// reports returns the sources of what the record of a run shows at GitHub, and where.
func reports(cfg *config.Config) sources {
	if cfg.GitHubTarget() == nil {
		return page(cfg)
	}
	return merge(page(cfg), app(cfg), sources{
		"token-secret": literal(cfg.RepositorySecret()), "host": literal(cfg.GithubHost), "environments": literal(names(cfg, everyOne)),
	})
}

// begins returns the sources of what the validation shows at GitHub.
func begins(cfg *config.Config) sources {
	if target := cfg.GitHubTarget(); target == nil || !slices.Contains(target.Report, "statuses") {
		return nil
	}
	return merge(page(cfg), sources{"pending": literal(cfg.WorkflowTemplateName), "entrypoint": {Run, "", RunEntry}})
}

// app returns the sources of the GitHub App that opens the repository.
func app(cfg *config.Config) sources {
	if cfg.GithubApp == nil {
		return nil
	}
	return sources{"github-app": literal(cfg.RepositoryApp())}
}
