package kinds

import (
	"slices"
	"strings"
)

// unique are the properties that together must be unique in an account and
// region, where the published identifier does not say it: because it is an
// attribute that AWS makes, or because names are unique among siblings only.
// A property with a default is written name=default; A.B is the member B of A.
// An empty list says that AWS takes any.
var unique = map[string][]string{
	"AWS::ApiGateway::Authorizer":               {"RestApiId", "Name"},
	"AWS::ApiGateway::BasePathMapping":          {"DomainName", "BasePath="},
	"AWS::ApiGateway::GatewayResponse":          {"RestApiId", "ResponseType"},
	"AWS::ApiGateway::Model":                    {"RestApiId", "Name"},
	"AWS::ApiGateway::Resource":                 {"RestApiId", "ParentId", "PathPart"},
	"AWS::ApiGatewayV2::ApiMapping":             {"DomainName", "ApiMappingKey="},
	"AWS::ApiGatewayV2::Authorizer":             {"ApiId", "Name"},
	"AWS::ApiGatewayV2::Model":                  {"ApiId", "Name"},
	"AWS::ApiGatewayV2::Route":                  {"ApiId", "RouteKey"},
	"AWS::AppSync::DataSource":                  {"ApiId", "Name"},
	"AWS::AppSync::Resolver":                    {"ApiId", "TypeName", "FieldName"},
	"AWS::Batch::JobDefinition":                 {},
	"AWS::Budgets::Budget":                      {"Budget.BudgetName"},
	"AWS::CloudFront::CachePolicy":              {"CachePolicyConfig.Name"},
	"AWS::CloudFront::Function":                 {"Name"},
	"AWS::CloudFront::KeyGroup":                 {"KeyGroupConfig.Name"},
	"AWS::CloudFront::OriginAccessControl":      {"OriginAccessControlConfig.Name"},
	"AWS::CloudFront::OriginRequestPolicy":      {"OriginRequestPolicyConfig.Name"},
	"AWS::CloudFront::ResponseHeadersPolicy":    {"ResponseHeadersPolicyConfig.Name"},
	"AWS::CodeBuild::Project":                   {"Name"},
	"AWS::CodeBuild::ReportGroup":               {"Name"},
	"AWS::CodeDeploy::DeploymentGroup":          {"ApplicationName", "DeploymentGroupName"},
	"AWS::CodePipeline::Pipeline":               {"Name"},
	"AWS::Cognito::UserPoolDomain":              {"Domain"},
	"AWS::EC2::LaunchTemplate":                  {"LaunchTemplateName"},
	"AWS::EC2::SecurityGroup":                   {"VpcId=", "GroupName"},
	"AWS::ECS::Service":                         {"Cluster=default", "ServiceName"},
	"AWS::ElasticLoadBalancingV2::Listener":     {"LoadBalancerArn", "Port"},
	"AWS::ElasticLoadBalancingV2::ListenerRule": {"ListenerArn", "Priority"},
	"AWS::ElasticLoadBalancingV2::LoadBalancer": {"Name"},
	"AWS::ElasticLoadBalancingV2::TargetGroup":  {"Name"},
	"AWS::Events::Rule":                         {"EventBusName=default", "Name"},
	"AWS::Glue::Database":                       {"DatabaseInput.Name"},
	"AWS::Glue::Table":                          {"DatabaseName", "TableInput.Name"},
	"AWS::IAM::ManagedPolicy":                   {"ManagedPolicyName"},
	"AWS::Lambda::Alias":                        {"FunctionName", "Name"},
	"AWS::Lambda::EventSourceMapping":           {"FunctionName", "EventSourceArn"},
	"AWS::Lambda::Url":                          {"TargetFunctionArn", "Qualifier="},
	"AWS::Route53::RecordSet":                   {"HostedZoneId=", "HostedZoneName=", "Name", "Type", "SetIdentifier="},
	"AWS::SNS::Topic":                           {"TopicName"},
	"AWS::SQS::Queue":                           {"QueueName"},
	"AWS::Scheduler::Schedule":                  {"GroupName=default", "Name"},
	"AWS::SecretsManager::Secret":               {"Name"},
	"AWS::ServiceDiscovery::HttpNamespace":      {"Name"},
	"AWS::ServiceDiscovery::Service":            {"NamespaceId", "Name"},
	"AWS::StepFunctions::Activity":              {"Name"},
	"AWS::StepFunctions::StateMachine":          {"StateMachineName"},
	"AWS::WAFv2::IPSet":                         {"Scope", "Name"},
	"AWS::WAFv2::RegexPatternSet":               {"Scope", "Name"},
	"AWS::WAFv2::RuleGroup":                     {"Scope", "Name"},
	"AWS::WAFv2::WebACL":                        {"Scope", "Name"},
}

// identifying are the properties that must be unique together, parents first;
// none when AWS makes the identity.
func identifying(typ string) []string {
	if properties, ok := unique[typ]; ok {
		return properties
	}
	return Identifier(typ)
}

// Identifier returns the properties by which an existing resource of the type is
// found; none if AWS generates a part of its identifier.
func Identifier(typ string) []string {
	s := schemaOf(typ)
	if s == nil {
		return nil
	}
	for _, name := range s.Identifier {
		if _, ok := s.Properties[name]; !ok {
			return nil
		}
	}
	return s.Identifier
}

// Identity returns what must be unique about a resource in its account and region:
// its name with the names of its parents. It is empty if AWS generates a part
// of it, so that it cannot be taken.
func Identity(typ string, properties map[string]any) string {
	var parts []string
	for _, name := range identifying(typ) {
		name, fallback, optional := strings.Cut(name, "=")
		given := memberAt(properties, name)
		part := text(given)
		if part == "" && (!optional || given != nil) { // none, or not known yet
			return ""
		}
		if part == "" {
			part = fallback
		}
		if slices.Contains(named, name) {
			part = last(part)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "|")
}

// named are parents that are given by their name or by their ARN.
var named = []string{"EventBusName", "Cluster"}

func memberAt(properties map[string]any, path string) any {
	name, rest, nested := strings.Cut(path, ".")
	if !nested {
		return properties[name]
	}
	inner, _ := properties[name].(map[string]any)
	return memberAt(inner, rest)
}

// Global reports whether the type's names are unique in an account, whatever the
// region.
func Global(typ string) bool {
	for _, service := range []string{"AWS::IAM::", "AWS::CloudFront::", "AWS::Route53::"} {
		if strings.HasPrefix(typ, service) {
			return true
		}
	}
	return false
}

// NameProperty returns the property with the name of the resource, or "" if
// the type has none.
func NameProperty(typ string) string {
	s, own := schemaOf(typ), ""
	if s == nil {
		return ""
	}
	for _, name := range identifying(typ) { // parents are required, or have a default
		if s.Properties[name] == "s" && (own == "" || !slices.Contains(s.Required, name) || slices.Contains(s.Required, own)) {
			own = name
		}
	}
	return own
}
