package world

import (
	"context"
	"fmt"
	"os"
	"os/exec"
)

// Environment returns the variables of the administrator of an account.
func (w *World) Environment(account, region string) []string {
	env := w.AWS.AddAccount(account).Over(os.Environ(), w.AWS.URL(), region)
	return append(env, "CI=true", "NO_COLOR=1", "CDK_DISABLE_CLI_TELEMETRY=true", "AWS_CA_BUNDLE=", "HOME="+w.options.Dir)
}

// Bootstrap bootstraps regions of an account with the CDK CLI, as its administrator
// does once, for deployments from the trusted account.
func (w *World) Bootstrap(ctx context.Context, cdk, account, trusted string, regions ...string) error {
	args := []string{"bootstrap", "--trust", trusted, "--trust-for-lookup", trusted, "--cloudformation-execution-policies", "arn:aws:iam::aws:policy/AdministratorAccess"}
	for _, region := range regions {
		args = append(args, "aws://"+account+"/"+region)
	}
	cmd := exec.CommandContext(ctx, cdk, args...)
	cmd.Dir, cmd.Env = w.options.Dir, w.Environment(account, regions[0])
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("cdk bootstrap of %s: %w\n%s", account, err, output)
	}
	return nil
}
