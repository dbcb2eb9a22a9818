package sam

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

const (
	implicitREST = "ServerlessRestApi"
	implicitHTTP = "ServerlessHttpApi"
	anyMethod    = "x-amazon-apigateway-any-method"
	integration  = "x-amazon-apigateway-integration"
	defaultRoute = "$default"
)

// api is a REST or HTTP API while functions add to it.
type api struct {
	maker      *maker
	managed    bool           // its definition is made of the events of functions
	body       map[string]any // its definition, unless it lies elsewhere
	routes     map[string]any // settings by route that events have
	conditions []string       // of the functions that call it; "" of one without
	auth       *properties    // its property Auth, or nil
	calls      []*call        // methods that events made
}

// declareAPIs finds the APIs of the template.
func (t *transform) declareAPIs(all []*maker) {
	for _, m := range all {
		if m.typ == prefix+"Api" || m.typ == prefix+"HttpApi" {
			t.declareAPI(m)
		}
	}
}

func (t *transform) declareAPI(m *maker) *api {
	a := &api{maker: m, routes: map[string]any{}}
	body, elsewhere := m.p.take("DefinitionBody"), m.p.take("DefinitionUri")
	a.auth = m.p.properties("Auth")
	switch {
	case body != nil && elsewhere != nil:
		m.invalid("Specify either 'DefinitionUri' or 'DefinitionBody' property and not both.")
	case body != nil:
		a.body = m.properties("DefinitionBody", body).values
	case elsewhere == nil:
		a.managed, a.body = true, map[string]any{"info": map[string]any{"version": "1.0", "title": ref("AWS::StackName")}, "paths": map[string]any{}}
	}
	t.apis[m.id] = a
	return a
}

// implicit is the API of the events that name none.
func (t *transform) implicit(m *maker, id, typ string) *api {
	if a := t.apis[id]; a != nil && !t.given[id] {
		return a
	}
	if t.given[id] {
		m.invalid("the simulator's transform does not merge the API of events that name none into the template's own %s", id)
	}
	resource := map[string]any{"Type": typ}
	t.resources[id] = resource
	own := map[string]any{}
	if typ == prefix+"Api" {
		own["StageName"] = "Prod"
	}
	return t.declareAPI(t.newMaker(id, resource, overlaid(t.globals[typ], own)))
}

// apiOf is the API that an event names; it is nil where that is none of SAM,
// to which nothing is added. The second value refers to it.
func (e *event) apiOf(property, typ, implicit string) (*api, any) {
	given := e.p.take(property)
	if given == nil {
		a := e.implicit(e.maker, implicit, typ)
		a.conditions = append(a.conditions, e.condition())
		a.keep(e.resource)
		for _, tag := range e.tags {
			e.member(a.maker.p.values, "Tags", "Tags")[tag.(map[string]any)["Key"].(string)] = tag.(map[string]any)["Value"]
			a.maker.p.values["PropagateTags"] = true
		}
		return a, ref(implicit)
	}
	id := isRef(given)
	if text, ok := given.(string); ok {
		id = text
	}
	if a := e.apis[id]; a != nil && a.maker.typ == typ {
		return a, given
	}
	resource, _ := e.resources[id].(map[string]any)
	kind, _ := resource["Type"].(string)
	if resource == nil || strings.HasPrefix(kind, prefix) {
		e.invalid("%s must be a valid reference to an '%s' resource in same template.", property, typ)
	}
	return nil, given
}

// keep gives the API of events that name none the policies of its callers,
// Retain before all others.
func (a *api) keep(caller map[string]any) {
	for _, name := range []string{"DeletionPolicy", "UpdateReplacePolicy"} {
		if caller[name] != nil && a.maker.resource[name] != "Retain" {
			a.maker.resource[name] = caller[name]
		}
	}
}

func (m *maker) condition() string {
	condition, _ := m.resource["Condition"].(string)
	return condition
}

// method adds a method to the definition.
func (a *api) method(e *event, path, method string, more map[string]any, definition map[string]any, auth *access) {
	if method == "any" {
		method = anyMethod
	}
	paths := a.maker.member(a.body, "paths", "DefinitionBody.paths")
	methods := a.maker.member(paths, path, "DefinitionBody.paths."+path)
	existing := map[string]any{}
	if methods[method] != nil && intrinsic(methods[method]) == "" {
		existing = a.maker.member(methods, method, "DefinitionBody.paths."+path+"."+method)
	}
	if existing[integration] != nil || intrinsic(methods[method]) != "" {
		if a.managed {
			e.invalid("API method \"%s\" defined multiple times for path \"%s\".", method, path)
		} else if call, ok := existing[integration].(map[string]any); ok && more["timeoutInMillis"] != nil {
			call["timeoutInMillis"] = more["timeoutInMillis"]
		}
		return
	}
	maps.Copy(definition, existing)
	call := map[string]any{"type": "aws_proxy", "httpMethod": "POST"}
	maps.Copy(call, more)
	call["uri"] = e.conditional(call["uri"])
	definition[integration] = call
	if definition["responses"] == nil {
		definition["responses"] = map[string]any{}
	}
	methods[method] = e.conditional(definition)
	a.calls = append(a.calls, auth.of(e, path, method, definition, call))
}

// uri is where API Gateway calls the function.
func (e *event) uri(partition string) any {
	return sub("arn:" + partition + ":apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/" + e.target.variable() + "/invocations")
}

// whenCalled gives an API that all callers have only by conditions one of its
// own: it is there when one of them is.
func (a *api) whenCalled() {
	if len(a.conditions) == 0 || slices.Contains(a.conditions, "") {
		return
	}
	names := slices.Compact(slices.Sorted(slices.Values(a.conditions)))
	condition := names[0]
	switch {
	case len(names) > 10:
		a.maker.invalid("the simulator's transform does not combine more than ten conditions")
	case len(names) > 1:
		condition = a.maker.id + "Condition"
		var either []any
		for _, name := range names {
			either = append(either, map[string]any{"Condition": name})
		}
		a.maker.member(a.maker.root, "Conditions", "Conditions")[condition] = map[string]any{"Fn::Or": either}
	}
	a.maker.resource["Condition"] = condition
}

// pathConditions are the conditions of the paths all of whose methods have the
// same one.
func (a *api) pathConditions() map[string]string {
	result := map[string]string{}
	paths, _ := a.body["paths"].(map[string]any)
	for path, value := range paths {
		methods, _ := value.(map[string]any)
		conditions := map[string]bool{}
		for _, definition := range methods {
			conditions[conditionOf(definition)] = true
		}
		for condition := range conditions {
			if len(conditions) == 1 && condition != "" && a.managed {
				result[path] = condition
			}
		}
	}
	return result
}

// conditionOf is the condition of a value that is there or not.
func conditionOf(value any) string {
	members, _ := value.(map[string]any)
	branches, _ := members["Fn::If"].([]any)
	if len(branches) != 3 {
		return ""
	}
	condition, _ := branches[0].(string)
	return condition
}

// wrap makes paths conditional.
func (a *api) wrap(conditions map[string]string) {
	paths, _ := a.body["paths"].(map[string]any)
	for path, condition := range conditions {
		paths[path] = map[string]any{"Fn::If": []any{condition, paths[path], noValue()}}
	}
}

// stageID is the logical id of a stage, by its name where that is known.
func (m *maker) stageID(name any) string {
	text, _ := name.(string)
	return named(m.id, text, "Stage")
}

var letters = regexp.MustCompile(`^[A-Za-z0-9]*$`)

// named is a logical id with a name before its end, which is a digest of the
// name where that has more than letters.
func named(start, name, end string) string {
	if letters.MatchString(name) {
		return start + name + end
	}
	return start + end + digest(name)
}

// upper is a method as ARNs have it.
func upper(method string) string {
	if method == defaultRoute {
		return method
	}
	return strings.ToUpper(method)
}

// pathVariables stand for anything in the ARN of a method.
var pathVariables = regexp.MustCompile(`\{([A-Za-z0-9._-]+\+?)\}`)

// methodARN is what of an API may call the function.
func methodARN(partition, method, path string, id any) map[string]any {
	if len(path) > 1 {
		path = strings.TrimSuffix(path, "/")
	}
	path = pathVariables.ReplaceAllString(path, "*")
	if method == "any" || method == anyMethod {
		method = "*"
	}
	if method == "*" && path == "/"+defaultRoute {
		method, path = defaultRoute, ""
	}
	arn := fmt.Sprintf("arn:%s:execute-api:${AWS::Region}:${AWS::AccountId}:${__ApiId__}/${__Stage__}/%s%s", partition, upper(method), path)
	return map[string]any{"Fn::Sub": []any{arn, map[string]any{"__ApiId__": id, "__Stage__": "*"}}}
}
