package validation

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// minimumBootstrap is the oldest bootstrap stack that the default synthesizer
// of CDK v2 accepts (aws-cdk-lib, MIN_BOOTSTRAP_STACK_VERSION).
const minimumBootstrap = 6

// atOnce bounds how many accounts are entered at the same time.
const atOnce = 8

// accounts enters every environment and looks at its bootstrap stack. The
// findings keep the order of the environments.
func accounts(ctx context.Context, d Deps, frame stage.Frame, in Input, cfg *config.Config) []Finding {
	found := make([][]Finding, len(cfg.Environments))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, env := range cfg.Environments {
		group.Go(func() error {
			found[i] = in.soften(env, account(ctx, d, frame, env))
			return nil
		})
	}
	_ = group.Wait() // no check returns an error: it finds
	var all []Finding
	for _, some := range found {
		all = append(all, some...)
	}
	return all
}

// soften makes warnings of what was found about an environment that the pipeline
// has no right to enter yet: a commit that adds one is what gives the right, by
// the pipeline's own deployment. The next run takes the same as errors.
func (in Input) soften(env config.Environment, found []Finding) []Finding {
	if len(in.Entrances) == 0 || slices.Contains(in.Entrances, env.Entrance()) {
		return found
	}
	for i := range found {
		found[i].Severity = Warning
		fix := "none for this run, which brings the right to enter it"
		if found[i].Fix != "" {
			fix += "; for the next: " + found[i].Fix
		}
		found[i].Fix = fix
	}
	return found
}

func account(ctx context.Context, d Deps, frame stage.Frame, env config.Environment) []Finding {
	where := fmt.Sprintf("environment %s (account %s, %s)", env.Name, env.Account, env.Region)
	if err := d.Enter(ctx, env); err != nil {
		return []Finding{finding("account", where, err)}
	}
	version, err := d.BootstrapVersion(ctx, env)
	fix := fmt.Sprintf("cdk bootstrap aws://%s/%s", env.Account, env.Region)
	switch {
	case err != nil:
		found := finding("bootstrap", where, err)
		if found.Fix == "" {
			found.Fix = fix
		}
		return []Finding{found}
	case version < minimumBootstrap:
		return []Finding{{
			Severity: Error, Check: "bootstrap", Where: where, Fix: fix,
			What: fmt.Sprintf("the CDK bootstrap stack has version %d, and at least %d is needed", version, minimumBootstrap),
		}}
	}
	frame.Log.Info("the account can be deployed to", "environment", env.Name, "account", env.Account,
		"region", env.Region, "bootstrap", version)
	return nil
}

func finding(check, where string, err error) Finding {
	return Finding{
		Severity: Error, Check: check, Where: where, What: err.Error(), Fix: errs.HintOf(err), Temporary: errs.IsTemporary(err),
	}
}
