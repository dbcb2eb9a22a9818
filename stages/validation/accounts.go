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

// minimumBootstrap is the oldest bootstrap version that the default synthesizer
// of CDK v2 accepts (aws-cdk-lib, MIN_BOOTSTRAP_STACK_VERSION).
const minimumBootstrap = 6

// atOnce limits how many accounts are checked in parallel.
const atOnce = 8

// accounts checks access to every environment and its bootstrap stack. The
// findings are in the order of the environments.
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
	_ = group.Wait() // checks return findings, not errors
	var all []Finding
	for _, some := range found {
		all = append(all, some...)
	}
	return all
}

// soften turns the findings of an environment without access into warnings: the
// update of the pipeline by the commit that adds it grants the access, and what is
// still missing then stops the run before anything is deployed.
func (in Input) soften(env config.Environment, found []Finding) []Finding {
	isNew := func(access string) bool { return !slices.Contains(in.Access, access) }
	if len(in.Access) == 0 || !slices.ContainsFunc(env.Access(), isNew) {
		return found
	}
	for i := range found {
		found[i].Severity = Warning
		fix := "none, if only the pipeline's right to access it is missing: this run grants it before it deploys"
		if found[i].Fix != "" {
			fix += "; otherwise: " + found[i].Fix
		}
		found[i].Fix = fix
	}
	return found
}

func account(ctx context.Context, d Deps, frame stage.Frame, env config.Environment) []Finding {
	where := fmt.Sprintf("environment %s (account %s, %s)", env.Name, env.Account, env.Region)
	if err := d.Assume(ctx, env); err != nil {
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
			What: fmt.Sprintf("the CDK bootstrap stack has version %d, but version %d or later is required", version, minimumBootstrap),
		}}
	}
	frame.Log.Info("the account is ready", "environment", env.Name, "account", env.Account,
		"region", env.Region, "bootstrap", version)
	return nil
}

func finding(check, where string, err error) Finding {
	return Finding{
		Severity: Error, Check: check, Where: where, What: err.Error(), Fix: errs.HintOf(err), Temporary: errs.IsTemporary(err),
	}
}
