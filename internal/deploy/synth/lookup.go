package synth

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/config/cdkapp"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// lookUp lets the CDK CLI look up the missing context and synthesize with it. The
// CLI writes the context to cdk.context.json in the workspace, for this run only.
func (o Options) lookUp(ctx context.Context, out string, missing []assembly.Missing) (*assembly.Assembly, error) {
	keys := keysOf(missing)
	if !o.Lookups {
		return nil, errs.Invalidf("the CDK app needs context that cdk.context.json lacks: %s", keys).
			WithHint("run `cdk synth` with access to the account and commit cdk.context.json, or allow lookups: `lookups: true` in the configuration, or --lookups")
	}
	cli, err := cdkapp.LookPath("cdk", o.environment(out, "", nil), o.Runner.LookPath)
	if err != nil {
		return nil, errs.Invalidf("the CDK app needs context that cdk.context.json lacks, and there is no CDK CLI to look it up: %s", keys).
			WithHint("add aws-cdk to the app's packages, or commit cdk.context.json")
	}
	if o.Log != nil {
		o.Log.Info("looking up missing context with the CDK CLI", "keys", keys, "cli", cli)
	}
	if err := o.runCLI(ctx, cli, out); err != nil {
		return nil, err
	}
	for _, made := range []string{out, filepath.Join(o.App, "cdk.context.json")} { // the next synthesis reads the context
		if err := o.fetch(ctx, made); err != nil {
			return nil, err
		}
	}
	a, err := o.read(out)
	if err == nil && len(a.Missing) > 0 {
		return nil, errs.Failedf("the CDK CLI could not look up context that the app needs: %s", keysOf(a.Missing)).
			WithHint("check that the resource exists in account %s and that the credentials may read it", strings.Join(o.accountsOf(a.Missing), ", "))
	}
	if err == nil && o.Log != nil {
		o.Log.Warn("only this run uses the context that was looked up; to use the same values in every run, run `cdk synth` with access to the account and commit cdk.context.json",
			"keys", keys, "app", o.name())
	}
	return a, err
}

func (o Options) runCLI(ctx context.Context, cli, out string) error {
	env := append(o.environment(out, "", []string{"CDK_DISABLE_CLI_TELEMETRY=true", "CI=true"}), "CDK_ERROR_FILE=")
	args := []string{cli, "synth", "--quiet", "--no-validation", "--no-notices", "--no-color", "--output", o.place(out)}
	for _, key := range slices.Sorted(maps.Keys(o.Context)) {
		text, isText := o.Context[key].(string)
		if !isText {
			return errs.Invalidf("the CDK CLI, which looks up missing context, accepts only strings as context, and %q is not one", key).
				WithHint("set it in cdk.json, or commit cdk.context.json so that no lookup is needed")
		}
		args = append(args, "--context", key+"="+text)
	}
	if said, err := o.execute(ctx, args, env); err != nil {
		return explain(ctx, err, "the CDK CLI", strings.Join(args[:2], " "), o.name(), said, "")
	}
	return nil
}

// accountsOf returns the accounts of missing context.
func (o Options) accountsOf(missing []assembly.Missing) []string {
	var accounts []string
	for _, m := range missing {
		account, named := m.Props["account"].(string)
		if !named {
			account = o.Account
		}
		accounts = append(accounts, account)
	}
	slices.Sort(accounts)
	return slices.Compact(accounts)
}

func keysOf(missing []assembly.Missing) string {
	var keys []string
	for _, m := range missing {
		keys = append(keys, m.Key)
	}
	return strings.Join(keys, ", ")
}
