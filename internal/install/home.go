package install

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

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
	var names []string
	var first config.Environment
	for _, env := range t.Config.Environments {
		if env.Account != t.Place.Account || env.RoleARN != "" || t.limited(ctx, base, env) {
			continue
		}
		if names == nil {
			first = env
		}
		names = append(names, env.Name)
	}
	if names == nil {
		return nil
	}
	return []kube.Check{{
		What: "environments in the pipeline's own account (" + strings.Join(names, ", ") + ")", Warning: true,
		Problem: "they are not known to be deployed with less than administrator rights, with which what they deploy can take over the pipeline and every account that it accesses",
		Fix: fmt.Sprintf("deploy them to another account, or limit them: cdk bootstrap aws://%s/%s --cloudformation-execution-policies <policy ARN>",
			first.Account, first.Region),
	}}
}

// limited reports whether the execution roles of an environment's bootstraps are known to
// be no administrators: they have other policies, or a permissions boundary.
func (t *Target) limited(ctx context.Context, base aws.Config, env config.Environment) bool {
	base = base.Copy()
	base.Region = env.Region
	stack, err := cfn.Find(ctx, cfn.NewClient(base), toolkit)
	if err != nil || stack == nil {
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
