package sam

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// global are the properties that the section Globals may have, by
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-template-anatomy-globals.html.
var global = map[string][]string{
	"Api": strings.Fields(`AccessLogSetting AlwaysDeploy Auth BinaryMediaTypes CacheClusterEnabled CacheClusterSize CanarySetting Cors
		DefinitionUri Domain EndpointAccessMode EndpointConfiguration GatewayResponses MergeDefinitions MethodSettings
		MinimumCompressionSize Name OpenApiVersion PropagateTags SecurityPolicy TracingEnabled Variables`),
	"Function": strings.Fields(`Architectures AssumeRolePolicyDocument AutoPublishAlias AutoPublishAliasAllProperties CapacityProviderConfig
		CodeSigningConfigArn CodeUri DeadLetterQueue DeploymentPreference Description DurableConfig Environment EphemeralStorage
		EventInvokeConfig FileSystemConfigs FunctionScalingConfig FunctionUrlConfig Handler KmsKeyArn Layers LoggingConfig MemorySize
		PermissionsBoundary PropagateTags ProvisionedConcurrencyConfig PublishToLatestPublished RecursiveLoop
		ReservedConcurrentExecutions RolePath Runtime RuntimeManagementConfig SnapStart SourceKMSKeyArn Tags TenancyConfig Timeout
		Tracing VersionDeletionPolicy VpcConfig`),
	"HttpApi": strings.Fields(`AccessLogSettings Auth CorsConfiguration DefaultRouteSettings Domain FailOnWarnings PropagateTags
		RouteSettings StageVariables Tags`),
	"LayerVersion": {"PublishLambdaVersion"},
	"SimpleTable":  {"SSESpecification"},
	"StateMachine": {"PropagateTags"},
}

// readGlobals reads the section Globals and takes it out of the template.
func (t *transform) readGlobals() {
	value, given := t.root["Globals"]
	delete(t.root, "Globals")
	if !given {
		return
	}
	refuse := func(format string, args ...any) {
		t.problems = append(t.problems, "'Globals' section is invalid. "+fmt.Sprintf(format, args...))
	}
	sections, ok := value.(map[string]any)
	if !ok {
		refuse("It must be a non-empty dictionary")
	}
	for _, section := range sortedKeys(sections) {
		values, isMap := sections[section].(map[string]any)
		switch {
		case global[section] == nil:
			refuse("'%s' is not supported. Must be one of the following values - ['%s']", section, strings.Join(sortedKeys(global), "', '"))
			continue
		case !isMap:
			refuse("Value of %s must be a dictionary", section)
		}
		for _, name := range sortedKeys(values) {
			if !slices.Contains(global[section], name) {
				refuse("'%s' is not a supported property of '%s'. Must be one of the following values - ['%s']",
					name, section, strings.Join(global[section], "', '"))
			}
		}
		t.globals[prefix+section] = values
	}
}

// globalsFor are the globals of a type without those that a resource ignores.
func (t *transform) globalsFor(id, typ string, ignored any) map[string]any {
	values := maps.Clone(t.globals[typ])
	switch names := ignored.(type) {
	case nil:
	case string:
		if names != "*" {
			t.invalid(id, "Resource %s has invalid resource attribute 'IgnoreGlobals'.", id)
		}
		return nil
	case []any:
		for _, name := range names {
			text, _ := name.(string)
			if _, known := values[text]; !known {
				t.invalid(id, "Resource %s has invalid resource attribute 'IgnoreGlobals' on item '%v'.", id, name)
			}
			delete(values, text)
		}
	default:
		t.invalid(id, "Resource %s has invalid resource attribute 'IgnoreGlobals'.", id)
	}
	return values
}

// overlaid is what the globals say, with a resource's own values before it:
// maps are merged, lists appended.
func overlaid(globals, own map[string]any) map[string]any {
	result := map[string]any{}
	for name, value := range globals {
		result[name] = copied(value)
	}
	for name, value := range own {
		result[name] = laid(result[name], value)
	}
	return result
}

func laid(below, above any) any {
	if intrinsic(below) != "" || intrinsic(above) != "" {
		return above
	}
	switch value := above.(type) {
	case map[string]any:
		if under, ok := below.(map[string]any); ok {
			return overlaid(under, value)
		}
	case []any:
		if under, ok := below.([]any); ok {
			return slices.Concat(under, value)
		}
	}
	return above
}

// copied is a value of its own: what is made of it is changed in place.
func copied(value any) any {
	return each(value, copied)
}
