package install

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"golang.org/x/sync/errgroup"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/kube"
)

// toolkit is the stack of the CDK's bootstrap, unless told otherwise.
const toolkit = "CDKToolkit"

// checkHome warns of environments in the pipeline's own account that are deployed as an
// administrator of it: what they deploy can change the roles of the pipeline, which the
// bootstraps of all other accounts trust. Environments with a roleArn are left out, as the
// rights of that role are not known here.
func (t *Target) checkHome(ctx context.Context, base aws.Config) []kube.Check {
	var here []config.Environment
	for _, env := range t.Config.Environments {
		if env.Account == t.Place.Account && env.RoleARN == "" {
			here = append(here, env)
		}
	}
	toolkits := toolkitsOf(ctx, base, here)
	here = slices.DeleteFunc(here, func(env config.Environment) bool { return limited(toolkits[env.Region], env) })
	if len(here) == 0 {
		return nil
	}
	names := make([]string, len(here))
	for i, env := range here {
		names[i] = env.Name
	}
	return []kube.Check{{
		What: "environments in the pipeline's own account (" + strings.Join(names, ", ") + ")", Warning: true,
		Problem: "they are not known to be deployed with less than administrator rights, with which what they deploy can take over the pipeline and every account that it accesses",
		Fix: fmt.Sprintf("deploy them to another account, or limit them: cdk bootstrap aws://%s/%s --cloudformation-execution-policies <policy ARN>",
			here[0].Account, here[0].Region),
	}}
}

// toolkitsOf reads the stack of the CDK's bootstrap in each region of the environments. A
// region without one, or where it cannot be read, has none.
func toolkitsOf(ctx context.Context, base aws.Config, environments []config.Environment) map[string]*types.Stack {
	var mu sync.Mutex
	found := map[string]*types.Stack{}
	var group errgroup.Group
	group.SetLimit(accountsAtOnce)
	regions := map[string]bool{}
	for _, env := range environments {
		if regions[env.Region] {
			continue
		}
		regions[env.Region] = true
		group.Go(func() error {
			there := base.Copy()
			there.Region = env.Region
			stack, err := cfn.Find(ctx, cfn.NewClient(there), toolkit)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				found[env.Region] = stack
			}
			return nil
		})
	}
	_ = group.Wait() // nothing fails
	return found
}

// limited reports whether the execution roles of an environment's bootstraps are known to
// be no administrators: they have other policies, or a permissions boundary.
func limited(stack *types.Stack, env config.Environment) bool {
	if stack == nil {
		return false
	}
	value := func(key string) string {
		at := slices.IndexFunc(stack.Parameters, func(p types.Parameter) bool { return aws.ToString(p.ParameterKey) == key })
		if at < 0 {
			return ""
		}
		return aws.ToString(stack.Parameters[at].ParameterValue)
	}
	if !slices.Equal(env.Qualifiers(), []string{value("Qualifier")}) {
		return false // or of another stack besides
	}
	policies := value("CloudFormationExecutionPolicies")
	return value("InputPermissionsBoundary") != "" || policies != "" && !strings.Contains(policies, ":policy/AdministratorAccess")
}
