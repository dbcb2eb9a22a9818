package sam

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

const (
	iam           = "AWS_IAM"
	noAuthorizer  = "NONE"
	apiKey        = "api_key"
	authorization = "x-amazon-apigateway-authorizer"
	authType      = "x-amazon-apigateway-authtype"
)

// access is the property Auth of an event: who may call its method.
type access struct {
	authorizer  string
	scopes      any
	invokeRole  any
	asUsual     bool // the role is not set
	keyRequired any  // bool, or nil where the API decides
}

// access reads the property Auth of an event. REST APIs have more properties.
func (e *event) access(more ...string) *access {
	a := &access{asUsual: true}
	p := e.p.properties("Auth")
	if p == nil {
		return a
	}
	defer p.end()
	a.authorizer, a.scopes = p.text("Authorizer"), p.take("AuthorizationScopes")
	if slices.Contains(more, "ApiKeyRequired") {
		if required, given := p.flag("ApiKeyRequired"); given {
			a.keyRequired = required
		}
	}
	if slices.Contains(more, "InvokeRole") {
		_, given := p.values["InvokeRole"]
		a.invokeRole, a.asUsual = p.take("InvokeRole"), !given
	}
	return a
}

// call is a method of a definition that an event made.
type call struct {
	*access
	event       *event
	path        string
	method      string
	definition  map[string]any
	integration map[string]any
}

func (a *access) of(e *event, path, method string, definition, integration map[string]any) *call {
	return &call{access: a, event: e, path: path, method: method, definition: definition, integration: integration}
}

// authorizers are those of an API by their names, with the scopes that they ask for.
type authorizers struct {
	api     *api
	scopes  map[string]any
	schemes map[string]any // security schemes of the definition
}

func (a *api) authorizers(shape func(a *authorizers, name string, p *properties) map[string]any) *authorizers {
	all := &authorizers{api: a, scopes: map[string]any{}, schemes: map[string]any{}}
	if a.auth == nil {
		return all
	}
	declared := a.auth.properties("Authorizers")
	if declared == nil {
		return all
	}
	for _, name := range sortedKeys(declared.values) {
		p := declared.properties(name)
		all.scopes[name] = p.take("AuthorizationScopes")
		all.schemes[name] = shape(all, name, p)
		p.end()
	}
	return all
}

// check refuses a name that no authorizer has.
func (a *authorizers) check(name, what string, invalid func(string, ...any)) {
	_, known := a.scopes[name]
	switch {
	case name == "" || name == noAuthorizer || name == iam || known:
	case len(a.scopes) == 0:
		invalid("Unable to set %s because the related API does not define any Authorizers.", what)
	default:
		invalid("Unable to set %s because '%s' was not defined in 'Authorizers'.", what, name)
	}
}

// secure says of every method who may call it: what its event says stands
// before the default of the API. Methods that the default is not for are those
// that except holds for.
func (a *authorizers) secure(byDefault string, except func(method string) bool) {
	a.check(byDefault, "DefaultAuthorizer", a.api.maker.invalid)
	for _, c := range a.api.calls {
		e := c.event
		e.maker.event = e.name
		a.check(c.authorizer, fmt.Sprintf("Authorizer on API method [%s] for path [%s]", c.method, c.path), e.invalid)
		e.maker.event = ""
		if c.authorizer != "" {
			c.definition["security"] = a.requirement(c.authorizer, c.scopes)
		}
	}
	if byDefault == "" {
		return
	}
	a.api.methods(func(name string, definition map[string]any) {
		if definition["security"] == nil && !except(name) {
			definition["security"] = a.requirement(byDefault, a.scopesOf(definition))
		}
	})
}

// scopesOf are those that an event gives its method.
func (a *authorizers) scopesOf(definition map[string]any) any {
	if c := a.api.callOf(definition); c != nil {
		return c.scopes
	}
	return nil
}

// callOf is the call that made a method, or nil.
func (a *api) callOf(definition map[string]any) *call {
	for _, c := range a.calls {
		if reflect.ValueOf(c.definition).Pointer() == reflect.ValueOf(definition).Pointer() {
			return c
		}
	}
	return nil
}

// requirement is what a method asks of its callers.
func (a *authorizers) requirement(name string, scopes any) []any {
	if name == iam {
		a.schemes[iam] = signed()
	}
	if scopes == nil {
		scopes = a.scopes[name]
	}
	if scopes == nil {
		scopes = []any{}
	}
	return []any{map[string]any{name: scopes}}
}

// signed is the scheme of callers that sign their requests.
func signed() map[string]any {
	return map[string]any{"type": "apiKey", "name": "Authorization", "in": "header", authType: "awsSigv4"}
}

// methods visits the methods of the definition, also those behind a condition.
func (a *api) methods(visit func(name string, definition map[string]any)) {
	paths, _ := a.body["paths"].(map[string]any)
	for _, path := range sortedKeys(paths) {
		item, _ := unconditional(paths[path]).(map[string]any)
		for _, name := range sortedKeys(item) {
			if definition, ok := unconditional(item[name]).(map[string]any); ok && slices.Contains(verbs, name) {
				visit(name, definition)
			}
		}
	}
}

// verbs are the members of a path that are methods.
var verbs = []string{"delete", "get", "head", "options", "patch", "post", "put", anyMethod}

// unconditional is what is there if the condition of a value holds.
func unconditional(value any) any {
	if conditionOf(value) != "" {
		return value.(map[string]any)["Fn::If"].([]any)[1]
	}
	return value
}

// declare writes the security schemes into the definition.
func (a *authorizers) declare() {
	if len(a.schemes) == 0 {
		return
	}
	m, body := a.api.maker, a.api.body
	place, path := body, "securityDefinitions"
	if body["openapi"] != nil {
		place, path = m.member(body, "components", "DefinitionBody.components"), "securitySchemes"
	}
	declared := m.member(place, path, "DefinitionBody."+path)
	for _, name := range sortedKeys(a.schemes) {
		declared[name] = a.schemes[name]
	}
}

// invoked is where API Gateway calls the function of an authorizer.
func invoked(partition string, function any) map[string]any {
	return map[string]any{"Fn::Sub": []any{
		"arn:" + partition + ":apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${__FunctionArn__}/invocations",
		map[string]any{"__FunctionArn__": function},
	}}
}

// permitAuthorizer lets API Gateway call the function of an authorizer.
func (m *maker) permitAuthorizer(name, partition string, function any) {
	m.add(m.id+name+"AuthorizerPermission", "AWS::Lambda::Permission", map[string]any{
		"Action": "lambda:InvokeFunction", "FunctionName": function, "Principal": "apigateway.amazonaws.com",
		"SourceArn": map[string]any{"Fn::Sub": []any{
			"arn:" + partition + ":execute-api:${AWS::Region}:${AWS::AccountId}:${__ApiId__}/authorizers/*", map[string]any{"__ApiId__": ref(m.id)},
		}},
	})
}

// sources are the parts of a request that identify a caller.
func (p *properties) sources(header, query, stage, context string) string {
	var list []string
	for _, source := range []struct{ property, prefix string }{{"Headers", header}, {"QueryStrings", query}, {"StageVariables", stage}, {"Context", context}} {
		for _, name := range p.list(source.property) {
			text, ok := name.(string)
			if !ok {
				p.m.invalid("Property '%s' should be a list of strings.", p.path+source.property)
			}
			list = append(list, source.prefix+text)
		}
	}
	return strings.Join(list, ", ")
}
