package sam

import (
	"maps"
	"reflect"
	"strings"
)

// http adds a route of an HTTP API that calls the function.
func (e *event) http() {
	path, method := e.p.text("Path"), strings.ToLower(e.p.text("Method"))
	switch {
	case path == "" && method == "":
		path, method = defaultRoute, anyMethod
	case path == "" || method == "":
		e.invalid("Event is missing 'Path' or 'Method'.")
	}
	version, timeout := e.p.take("PayloadFormatVersion"), e.p.take("TimeoutInMillis")
	settings := e.p.take("RouteSettings")
	auth := e.access()
	a, id := e.apiOf("ApiId", prefix+"HttpApi", implicitHTTP)
	permitted, verb := path, method
	if path == defaultRoute {
		permitted, verb = "", anyMethod
	}
	if path == defaultRoute || !e.servesDefault(id) { // whose permission is for all routes
		e.permit(e.id+"Permission", "apigateway.amazonaws.com", map[string]any{"SourceArn": methodARN("${AWS::Partition}", verb, permitted, id)})
	}
	if a == nil {
		return
	}
	if a.body == nil {
		e.invalid("the simulator's transform adds no routes to the API [%s], whose definition lies elsewhere", a.maker.id)
		return
	}
	if version == nil {
		version = "2.0"
	}
	call := map[string]any{"uri": e.uri("${AWS::Partition}"), "payloadFormatVersion": version}
	if timeout != nil {
		call["timeoutInMillis"] = timeout
	}
	definition := map[string]any{}
	if path == defaultRoute {
		definition["isDefaultRoute"] = true
	}
	if found := pathVariables.FindAllStringSubmatch(path, -1); found != nil {
		var parameters []any
		for _, variable := range found {
			parameters = append(parameters, map[string]any{"name": variable[1], "in": "path", "required": true})
		}
		definition["parameters"] = parameters
	}
	a.method(e, path, method, call, definition, auth)
	if settings != nil {
		route := strings.ToUpper(method) + " " + path
		if method == anyMethod {
			route = path
		}
		a.routes[route] = laid(a.routes[route], e.conditional(settings))
	}
}

// servesDefault reports whether another event of the function is the default route of
// the API.
func (e *event) servesDefault(api any) bool {
	events, _ := e.function.p.values["Events"].(map[string]any)
	for _, declared := range events {
		event, _ := declared.(map[string]any)
		given, _ := event["Properties"].(map[string]any)
		id := given["ApiId"]
		if id == nil {
			id = ref(implicitHTTP)
		}
		isDefault := given["Path"] == nil && given["Method"] == nil || given["Path"] == defaultRoute
		if event["Type"] == "HttpApi" && isDefault && reflect.DeepEqual(id, api) {
			return true
		}
	}
	return false
}

const httpTag = "httpapi:createdBy"

// httpAPI makes an HTTP API with a stage that deploys by itself.
func (m *maker) httpAPI() {
	a := m.apis[m.id]
	a.whenCalled()
	made := map[string]any{}
	m.p.copy(made, "FailOnWarnings")
	name, description, stageName := m.p.take("Name"), m.p.take("Description"), m.p.take("StageName")
	given := m.readTags("")
	if a.body == nil {
		for _, property := range []string{"Auth", "CorsConfiguration", "Description", "DisableExecuteApiEndpoint", "Name", "Tags"} {
			if m.p.take(property) != nil {
				m.invalid("%s works only with inline OpenApi specified in 'DefinitionBody' property.", property)
			}
		}
		made["BodyS3Location"] = m.location("DefinitionUri", m.p.take("DefinitionUri"), "Bucket", "Key", "Version")
	} else {
		if a.managed {
			a.body["openapi"] = "3.0.1"
		} else if text, _ := a.body["openapi"].(string); !strings.HasPrefix(text, "3.") {
			m.invalid("Invalid OpenApi document. Invalid values or missing keys for 'openapi' or 'paths' in 'DefinitionBody'.")
		}
		m.describeAPI(a.body, name, description, given)
		m.disableEndpoint(a)
		m.httpAuth(a)
		if cors := m.corsConfiguration(); cors != nil {
			a.body["x-amazon-apigateway-cors"] = cors
		}
		a.wrap(a.pathConditions())
		if paths, _ := a.body["paths"].(map[string]any); made["FailOnWarnings"] == true && paths[defaultRoute] != nil {
			paths["/"+defaultRoute] = paths[defaultRoute] // else the import warns, and fails
			delete(paths, defaultRoute)
		}
		made["Body"] = a.body
	}
	m.become("AWS::ApiGatewayV2::Api", made)
	m.httpStage(a, stageName, given)
}

// describeAPI says in the definition what the properties say.
func (m *maker) describeAPI(body map[string]any, name, description any, given []any) {
	info := m.member(body, "info", "DefinitionBody.info")
	if name != nil {
		info["title"] = name
	}
	if description != nil {
		info["description"] = description
	}
	tags, ok := body["tags"].([]any)
	if !ok && body["tags"] != nil {
		m.invalid("Tags in OpenApi DefinitionBody needs to be a list.")
	}
	tags = append(tags, map[string]any{"name": httpTag, "x-amazon-apigateway-tag-value": "SAM"})
	for _, tag := range given {
		t := tag.(map[string]any)
		tags = append(tags, map[string]any{"name": t["Key"], "x-amazon-apigateway-tag-value": t["Value"]})
	}
	body["tags"] = tags
}

func (m *maker) httpStage(a *api, name any, given []any) {
	id := m.stageID(name)
	if name == nil || name == defaultRoute {
		name, id = defaultRoute, m.id+"ApiGatewayDefaultStage"
	}
	stage := map[string]any{"ApiId": ref(m.id), "StageName": name, "AutoDeploy": true}
	m.p.copy(stage, "AccessLogSettings", "DefaultRouteSettings", "RouteSettings", "StageVariables")
	if len(a.routes) > 0 {
		own := m.member(stage, "RouteSettings", "RouteSettings")
		stage["RouteSettings"] = overlaid(own, a.routes)
	}
	if a.body != nil {
		tags := map[string]any{httpTag: "SAM"}
		for _, tag := range given {
			tags[tag.(map[string]any)["Key"].(string)] = tag.(map[string]any)["Value"]
		}
		stage["Tags"] = tags
	}
	m.add(id, "AWS::ApiGatewayV2::Stage", stage)
	m.transform.made[m.id+".Stage"] = id
}

// corsConfiguration is what the definition says of who may call the API.
func (m *maker) corsConfiguration() any {
	value := m.p.values["CorsConfiguration"]
	if _, ok := value.(map[string]any); !ok || intrinsic(value) != "" {
		if all, _ := m.p.flag("CorsConfiguration"); all {
			return map[string]any{"allowOrigins": []any{"*"}}
		}
		return nil
	}
	p := m.p.properties("CorsConfiguration")
	defer p.end()
	result := map[string]any{}
	for from, to := range map[string]string{
		"AllowOrigins": "allowOrigins", "AllowHeaders": "allowHeaders", "AllowMethods": "allowMethods",
		"ExposeHeaders": "exposeHeaders", "MaxAge": "maxAge", "AllowCredentials": "allowCredentials",
	} {
		if v := p.take(from); v != nil {
			result[to] = v
		}
	}
	return maps.Clone(result)
}
