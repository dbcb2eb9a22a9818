package plan

import (
	"fmt"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/config"
)

// Warning is something about a pipeline that whoever installs its objects should know first.
type Warning struct{ Text, Hint string }

// Warnings returns what a configuration in file allows but rarely means. Images are those
// that were chosen for all stages.
func Warnings(cfg *config.Config, file string, images Images) (warnings []Warning) {
	if RepositoryURL(cfg) == "" {
		warnings = append(warnings, Warning{
			fmt.Sprintf("no push starts this pipeline: %s names no GitHub repository, so there is no webhook", file),
			"set githubOwner and githubRepo, or pass --github-owner and --github-repo",
		})
	} else if problem, hint := cfg.PlainHTTP(); problem != "" {
		warnings = append(warnings, Warning{problem, hint})
	}
	own := cfg.OwnImage("validator")
	if images != "" || own == "" {
		return warnings
	}
	var others []string
	for _, program := range Programs() {
		if image, err := cfg.Image(program); err == nil && image != own && cfg.OwnImage(program) == "" {
			others = append(others, image)
		}
	}
	if others == nil {
		return warnings
	}
	from := "REGISTRY[:TAG]"
	if beside, err := ImagesBeside(cfg); err == nil {
		from = beside.Source()
	}
	return append(warnings, Warning{
		fmt.Sprintf("validatorImage is %s, but other stages run in %s", own, strings.Join(others, ", ")),
		"to use one release for all stages: --images " + from,
	})
}
