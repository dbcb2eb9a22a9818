package stage

import (
	"time"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Built is the built folder of a repository, for stages that people call and no run does. Its
// fields are inputs.
type Built struct {
	Config   string        `help:"Configuration file, relative to the repository." default:"aphex-config.yaml"`
	Source   string        `help:"Folder of the repository, built." type:"path" default:"." placeholder:"DIR"`
	Assembly string        `help:"Folder with a cloud assembly of the app, instead of synthesizing it." type:"path" placeholder:"DIR"`
	Limit    time.Duration `help:"Time limit for each command." default:"1h"`
}

// Environment returns an environment of the configuration.
func (b Built) Environment(name string) (config.Environment, error) {
	cfg, err := config.LoadCommitted(b.Source, b.Config, "")
	if err != nil {
		return config.Environment{}, errs.Invalidf("%w", err)
	}
	env, found := cfg.Environment(name)
	if !found {
		return config.Environment{}, errs.Invalidf("%w", cfg.NoEnvironment(name))
	}
	return env, nil
}
