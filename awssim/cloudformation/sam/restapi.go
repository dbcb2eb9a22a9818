package sam

import (
	"crypto/sha1" //nolint:gosec // it names deployments
	"encoding/hex"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// rest adds a method of a REST API that calls the function.
func (e *event) rest() {
	e.p.require("Path")
	e.p.require("Method")
	path, method := e.p.text("Path"), strings.ToLower(e.p.text("Method"))
	timeout := e.p.take("TimeoutInMillis")
	auth := e.access("ApiKeyRequired", "InvokeRole")
	a, id := e.apiOf("RestApiId", prefix+"Api", implicitREST)
	stage := "Stage"
	if a != nil {
		if name, ok := a.maker.p.values["StageName"].(string); ok {
			stage = name
		}
	}
	permission := e.id + "Permission" + stage
	if !letters.MatchString(stage) {
		permission = e.id + "Permission" + digest(stage)
	}
	e.permit(permission, "apigateway.amazonaws.com", map[string]any{"SourceArn": methodARN(e.Partition, method, path, id)})
	if a == nil || !a.managed {
		return // its definition is written by hand
	}
	call := map[string]any{"uri": e.uri(e.Partition)}
	if timeout != nil {
		call["timeoutInMillis"] = timeout
	}
	a.method(e, path, method, call, map[string]any{}, auth)
}

// restAPI makes a REST API with a deployment and a stage.
func (m *maker) restAPI() {
	a := m.apis[m.id]
	a.whenCalled()
	stageName := m.p.require("StageName")
	if stageName == "" {
		m.invalid("StageName cannot be empty.")
	}
	made := map[string]any{}
	m.p.copy(made, "ApiKeySourceType", "BinaryMediaTypes", "Description", "EndpointAccessMode", "FailOnWarnings", "MinimumCompressionSize",
		"Mode", "Name", "Policy", "SecurityPolicy")
	stageTags := m.readTags("")
	m.endpoint(made)
	if always, _ := m.p.flag("AlwaysDeploy"); always {
		m.invalid("the simulator's transform does not support the property AlwaysDeploy: true")
	}
	version := m.p.version("OpenApiVersion")
	if version != "" && !openAPI.MatchString(version) {
		m.invalid("The OpenApiVersion value must be of the format '3.0.0'.")
	}
	if a.managed {
		a.body["swagger"] = "2.0"
		if strings.HasPrefix(version, "3") {
			delete(a.body, "swagger")
			a.body["openapi"] = version
		}
	}
	m.disableEndpoint(a)
	conditions := a.pathConditions()
	m.cors(a)
	keys := m.restAuth(a)
	a.wrap(conditions)
	if types := made["BinaryMediaTypes"]; types != nil && a.body != nil {
		a.body["x-amazon-apigateway-binary-media-types"] = slashed(m.parameters(types))
	}
	definition := any(a.body)
	if a.body != nil {
		made["Body"] = a.body
	} else {
		definition = m.location("DefinitionUri", m.p.take("DefinitionUri"), "Bucket", "Key", "Version")
		made["BodyS3Location"] = definition
	}
	m.become("AWS::ApiGateway::RestApi", m.tagged("AWS::ApiGateway::RestApi", made))
	keys(m.deploy(definition, version, stageName, stageTags))
}

// openAPI are the versions that a definition may have.
var openAPI = regexp.MustCompile(`^(2\.0|3\.[01](\.\d+)?)$`)

// deploy makes a deployment, whose logical id changes with the definition, and
// the stage that shows it, whose logical id it returns.
func (m *maker) deploy(definition any, version string, stageName any, stageTags []any) string {
	encoded, _ := json.Marshal([]any{m.known(definition), version})
	sum := sha1.Sum(encoded) //nolint:gosec // it names deployments
	hash := hex.EncodeToString(sum[:])
	deployment := map[string]any{"RestApiId": ref(m.id), "Description": "RestApi deployment id: " + hash}
	if version == "" {
		deployment["StageName"] = "Stage"
	}
	deploymentID, stageID := m.id+"Deployment"+hash[:10], m.stageID(stageName)
	stage := map[string]any{"RestApiId": ref(m.id), "DeploymentId": ref(deploymentID), "StageName": stageName}
	m.p.copy(stage, "AccessLogSetting", "CacheClusterEnabled", "CacheClusterSize", "CanarySetting", "MethodSettings", "TracingEnabled", "Variables")
	if len(stageTags) > 0 {
		stage["Tags"] = stageTags
	}
	m.add(deploymentID, "AWS::ApiGateway::Deployment", deployment)
	m.add(stageID, "AWS::ApiGateway::Stage", stage)
	m.transform.made[m.id+".Stage"], m.transform.made[m.id+".Deployment"] = stageID, deploymentID
	return stageID
}

// endpoint reads the type of endpoint, or an object with it.
func (m *maker) endpoint(made map[string]any) {
	value := m.p.take("EndpointConfiguration")
	if _, ok := value.(map[string]any); !ok || intrinsic(value) != "" {
		if value != nil {
			made["EndpointConfiguration"] = map[string]any{"Types": []any{value}}
			made["Parameters"] = map[string]any{"endpointConfigurationTypes": value}
		}
		return
	}
	p := m.properties("EndpointConfiguration", value)
	defer p.end()
	configuration := map[string]any{}
	if typ := p.take("Type"); typ != nil {
		configuration["Types"] = []any{typ}
		made["Parameters"] = map[string]any{"endpointConfigurationTypes": typ}
	}
	if endpoints := p.take("VPCEndpointIds"); endpoints != nil {
		configuration["VpcEndpointIds"] = endpoints
	}
	p.copy(configuration, "IpAddressType")
	made["EndpointConfiguration"] = configuration
}

// disableEndpoint says in the definition that the API has no own address.
func (m *maker) disableEndpoint(a *api) {
	disable := m.p.take("DisableExecuteApiEndpoint")
	switch {
	case disable == nil:
	case a.body == nil:
		m.invalid("DisableExecuteApiEndpoint works only within 'DefinitionBody' property.")
	case a.body["openapi"] != nil:
		servers, _ := a.body["servers"].([]any)
		if len(servers) == 0 {
			servers = []any{map[string]any{}}
		}
		for _, server := range servers {
			if s, ok := server.(map[string]any); ok {
				m.member(s, "x-amazon-apigateway-endpoint-configuration", "DefinitionBody.servers")["disableExecuteApiEndpoint"] = disable
			}
		}
		a.body["servers"] = servers
	default:
		m.member(a.body, "x-amazon-apigateway-endpoint-configuration", "DefinitionBody.x-amazon-apigateway-endpoint-configuration")["disableExecuteApiEndpoint"] = disable
	}
}

// slashed copies media types, whose slashes may be written ~1.
func slashed(value any) any {
	if text, is := value.(string); is {
		return strings.ReplaceAll(text, "~1", "/")
	}
	return each(value, slashed)
}

// cors adds to every path of the definition the method OPTIONS, which says who
// may call it.
func (m *maker) cors(a *api) {
	value := m.p.take("Cors")
	if value == nil {
		return
	}
	if a.body == nil {
		m.invalid("Cors works only with inline Swagger specified in 'DefinitionBody' property.")
		return
	}
	origin, headers, methods, age, credentials := value, any(nil), any(nil), any(nil), false
	if _, ok := value.(map[string]any); ok && intrinsic(value) == "" {
		p := m.properties("Cors", value)
		origin, headers, methods, age = p.take("AllowOrigin"), p.take("AllowHeaders"), p.take("AllowMethods"), p.take("MaxAge")
		credentials, _ = p.flag("AllowCredentials")
		p.end()
		if origin == nil {
			origin = "'*'"
		}
	}
	if origin == "" {
		m.invalid("Invalid input. Value for AllowedOrigins is required")
	}
	if credentials && origin == "'*'" {
		m.invalid("Unable to add Cors configuration because 'AllowCredentials' can not be true when 'AllowOrigin' is \"'*'\" or not set")
	}
	paths, _ := a.body["paths"].(map[string]any)
	for _, path := range sortedKeys(paths) {
		item, _ := paths[path].(map[string]any)
		if intrinsic(item) != "" {
			m.invalid("the simulator's transform adds no Cors to paths that are computed, such as [%s]", path)
			continue
		}
		if item == nil {
			m.invalid("Value of '%s' path must be a dictionary according to Swagger spec.", path)
			continue
		}
		if item["options"] == nil {
			item["options"] = preflight(item, a.body["openapi"] != nil, origin, headers, methods, age, credentials)
		}
	}
}

// preflight is the method OPTIONS of a path.
func preflight(item map[string]any, openapi bool, origin, headers, methods, age any, credentials bool) map[string]any {
	if methods == nil {
		methods = "'" + strings.Join(allowedMethods(item), ",") + "'"
	}
	values := map[string]any{"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Methods": methods}
	if headers != nil {
		values["Access-Control-Allow-Headers"] = headers
	}
	if age != nil {
		values["Access-Control-Max-Age"] = age
	}
	if credentials {
		values["Access-Control-Allow-Credentials"] = "'true'"
	}
	parameters, declared := map[string]any{}, map[string]any{}
	for name, value := range values {
		parameters["method.response.header."+name] = value
		typ := "string"
		if name == "Access-Control-Max-Age" {
			typ = "integer"
		}
		declared[name] = map[string]any{"type": typ}
		if openapi {
			declared[name] = map[string]any{"schema": map[string]any{"type": typ}}
		}
	}
	options := map[string]any{
		"summary": "CORS support",
		integration: map[string]any{
			"type": "mock", "requestTemplates": map[string]any{"application/json": "{\n  \"statusCode\" : 200\n}\n"},
			"responses": map[string]any{"default": map[string]any{
				"statusCode": "200", "responseParameters": parameters, "responseTemplates": map[string]any{"application/json": "{}\n"},
			}},
		},
		"responses": map[string]any{"200": map[string]any{"description": "Default response for CORS method", "headers": declared}},
	}
	if !openapi {
		options["consumes"], options["produces"] = []any{"application/json"}, []any{"application/json"}
	}
	return options
}

// allowedMethods are those of a path, and OPTIONS.
func allowedMethods(item map[string]any) []string {
	names := []string{"OPTIONS"}
	for name := range item {
		if name == anyMethod {
			return []string{"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}
		}
		names = append(names, strings.ToUpper(name))
	}
	slices.Sort(names)
	return names
}
