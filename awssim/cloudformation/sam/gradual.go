package sam

import "regexp"

const (
	deployments    = "ServerlessDeploymentApplication"
	deploymentRole = "CodeDeployServiceRole"
)

// gradual are the deployment configurations that CodeDeploy has for functions.
var gradual = regexp.MustCompile(`^(AllAtOnce|(Canary10Percent(5|10|15|30)Minutes)|(Linear10PercentEvery(1|2|3|10)Minutes?))$`)

// configuration names those that CodeDeploy has in full.
func configuration(value any) any {
	if text, ok := value.(string); ok && gradual.MatchString(text) {
		return map[string]any{"Fn::Sub": []any{"CodeDeployDefault.Lambda${ConfigName}", map[string]any{"ConfigName": text}}}
	}
	if intrinsic(value) != "Fn::If" {
		return value
	}
	branches, _ := value.(map[string]any)["Fn::If"].([]any)
	for i := 1; i < len(branches); i++ {
		branches[i] = configuration(branches[i])
	}
	return value
}

// shift lets CodeDeploy update the alias.
func (f *function) shift(alias map[string]any, p *properties) {
	if p == nil {
		return
	}
	defer p.end()
	enabled, given := p.flag("Enabled")
	typ, role, triggers, alarms, hooks := p.take("Type"), p.take("Role"), p.take("TriggerConfigurations"), p.take("Alarms"), p.properties("Hooks")
	update := map[string]any{"ApplicationName": ref(deployments), "DeploymentGroupName": ref(f.id + "DeploymentGroup")}
	if hooks != nil {
		for from, to := range map[string]string{"PreTraffic": "BeforeAllowTrafficHook", "PostTraffic": "AfterAllowTrafficHook"} {
			if hook := hooks.take(from); hook != nil {
				update[to] = hook
			}
		}
		hooks.end()
	}
	if given && !enabled {
		return
	}
	if typ == nil {
		f.invalid("'DeploymentPreference' requires Type property to be specified.")
	}
	typ = configuration(f.known(typ))
	group := map[string]any{
		"ApplicationName": ref(deployments), "DeploymentConfigName": typ,
		"AutoRollbackConfiguration": map[string]any{"Enabled": true, "Events": []any{"DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"}},
		"DeploymentStyle":           map[string]any{"DeploymentType": "BLUE_GREEN", "DeploymentOption": "WITH_TRAFFIC_CONTROL"},
		"ServiceRoleArn":            role,
	}
	if role == nil {
		group["ServiceRoleArn"] = getAtt(deploymentRole, "Arn")
		f.resources[deploymentRole] = map[string]any{"Type": "AWS::IAM::Role", "Properties": f.tagged("AWS::IAM::Role", map[string]any{
			"AssumeRolePolicyDocument": trust("codedeploy.amazonaws.com"),
			"ManagedPolicyArns":        []any{f.managed("service-role/AWSCodeDeployRoleForLambda")},
		})}
	}
	if triggers != nil {
		group["TriggerConfigurations"] = triggers
	}
	if alarms != nil {
		group["AlarmConfiguration"] = f.alarms(alarms)
	}
	f.resources[deployments] = map[string]any{"Type": "AWS::CodeDeploy::Application", "Properties": f.tagged("AWS::CodeDeploy::Application", map[string]any{"ComputePlatform": "Lambda"})}
	f.resources[f.id+"DeploymentGroup"] = map[string]any{"Type": "AWS::CodeDeploy::DeploymentGroup", "Properties": f.tagged("AWS::CodeDeploy::DeploymentGroup", group)}
	alias["UpdatePolicy"] = map[string]any{"CodeDeployLambdaAliasUpdate": update}
}

// alarms are what stops a deployment.
func (f *function) alarms(value any) any {
	members, _ := value.(map[string]any)
	if branches, _ := members["Fn::If"].([]any); len(branches) == 3 {
		return map[string]any{"Fn::If": []any{branches[0], f.alarms(branches[1]), f.alarms(branches[2])}}
	}
	if isRef(value) == "AWS::NoValue" {
		return value
	}
	list, ok := value.([]any)
	if !ok {
		f.invalid("Alarms must be a list")
	}
	named := make([]any, len(list))
	for i, alarm := range list {
		named[i] = map[string]any{"Name": alarm}
	}
	return map[string]any{"Enabled": true, "Alarms": named}
}
