package validation

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// minimumBootstrap is the oldest bootstrap version that the default synthesizer
// of CDK v2 accepts (aws-cdk-lib, MIN_BOOTSTRAP_STACK_VERSION).
const minimumBootstrap = 6

// atOnce limits how many accounts are checked in parallel.
const atOnce = 8

// accounts checks access to every environment and its bootstrap stack. The
// findings are in the order of the environments. Environments that wait for a person are
// warnings: all others are deployed.
func accounts(ctx context.Context, d Deps, frame stage.Frame, in Input, cfg *config.Config) []Finding {
	approved, waiting, err := plan.Approved(cfg, in.approved)
	found := warnings(waiting)
	if err != nil { // there are no others
		found[0].Severity = Error
		return found
	}
	each := make([][]Finding, len(approved.Environments))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, env := range approved.Environments {
		if len(in.Access) > 0 && env.RoleARN != "" {
			frame.Log.Info("the access is checked when the environment is deployed, as only its deployment may assume the role", "environment", env.Name, "role", env.RoleARN)
			continue
		}
		if len(in.Access) > 0 {
			env.CommandRoleARN = "" // for deployments and tests alone
		}
		group.Go(func() error {
			each[i] = account(ctx, d, frame, env)
			return nil
		})
	}
	_ = group.Wait() // checks return findings, not errors
	return slices.Concat(append(each, found)...)
}

// approved reports whether a person has approved an access; outside of a pipeline, all are.
func (in Input) approved(access plan.Access) bool {
	return len(in.Access) == 0 || slices.ContainsFunc(in.Access, access.Within)
}

func warnings(waiting []plan.Waiting) []Finding {
	var found []Finding
	for _, w := range waiting {
		found = append(found, Finding{Severity: Warning, Check: "account", Where: "environment " + w.Environment, What: w.Message(), Fix: plan.ApproveFix})
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
