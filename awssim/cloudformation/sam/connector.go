package sam

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

const connector = prefix + "Connector"

// link is a connector: what its source may do with its destination.
type link struct {
	*maker
	source map[string]any // of one that is embedded
}

// declareLink reads a connector that is a resource, and takes it out of the template.
func (t *transform) declareLink(id string, resource map[string]any) {
	delete(t.resources, id)
	values, ok := resource["Properties"].(map[string]any)
	if !ok && resource["Properties"] != nil {
		t.invalid(id, "Properties should be a map.")
	}
	t.links = append(t.links, &link{maker: t.newMaker(id, resource, values)})
}

// embedded reads the connectors that a resource is the source of.
func (t *transform) embedded(id string, resource map[string]any) {
	value, given := resource["Connectors"]
	delete(resource, "Connectors")
	if !given {
		return
	}
	all, ok := value.(map[string]any)
	if !ok {
		t.invalid(id, "Resource attribute 'Connectors' should be a map.")
	}
	for _, name := range sortedKeys(all) {
		one, ok := all[name].(map[string]any)
		values, isMap := one["Properties"].(map[string]any)
		if !ok || !isMap {
			t.invalid(id, "Connector '%s' needs Properties, which should be a map.", name)
			continue
		}
		for _, member := range sortedKeys(one) {
			if member != "Properties" && member != "DependsOn" && member != "Metadata" {
				t.invalid(id, "the simulator's transform does not support the attribute %s of connector '%s'", member, name)
			}
		}
		declared := map[string]any{"Type": connector, "Condition": resource["Condition"], "DependsOn": one["DependsOn"], "Metadata": one["Metadata"]}
		source := map[string]any{"Id": id}
		m := t.newMaker(id+name, declared, values)
		if reference := m.p.properties("SourceReference"); reference != nil {
			reference.copy(source, "Qualifier")
			reference.end()
		}
		t.links = append(t.links, &link{maker: m, source: source})
	}
}

// connect makes the connectors, once everything is there that they connect.
func (t *transform) connect() error {
	for _, l := range t.links {
		l.make()
	}
	return t.err()
}

func (l *link) make() {
	defer l.p.end()
	from := l.source
	if from == nil {
		from, _ = l.p.require("Source").(map[string]any)
	}
	destinations := l.p.list("Destination")
	if len(destinations) == 0 {
		l.invalid("Missing required property 'Destination'.")
	}
	var permissions []string
	for _, permission := range l.p.list("Permissions") {
		permissions = append(permissions, fmt.Sprint(permission))
	}
	if len(permissions) == 0 {
		l.invalid("Missing required property 'Permissions'.")
	}
	source := l.end("Source", from)
	for i, value := range destinations {
		given, _ := value.(map[string]any)
		to := l.end("Destination", given)
		if source == nil || to == nil {
			continue
		}
		suffix := ""
		if len(destinations) > 1 {
			suffix = fmt.Sprintf("Destination%d", i)
		}
		l.join(source, to, permissions, suffix)
	}
}

// end is one of the two resources that a connector connects.
type end struct {
	*properties
	typ string
	id  string // of a resource in the template, or ""
}

// end reads where a connector begins or ends: a resource of the template, or
// the type, ARN and role of another one.
func (l *link) end(name string, value map[string]any) *end {
	if value == nil {
		l.invalid("Property '%s' should be a map.", name)
		return nil
	}
	e := &end{properties: l.maker.properties(name, value)}
	e.taken = map[string]bool{"Arn": true, "RoleName": true, "QueueUrl": true, "ResourceId": true, "Name": true, "Qualifier": true, "Type": true, "Id": true}
	e.properties.end()
	e.id, _ = value["Id"].(string)
	if e.id == "" {
		if e.typ, _ = value["Type"].(string); e.typ == "" {
			l.invalid("'%s' needs 'Id', or 'Type' and what identifies the resource.", name)
			return nil
		}
		e.typ = transformed(e.typ)
		return e
	}
	if made := l.transform.made[e.id]; made != "" {
		e.id = made
	}
	resource, _ := l.resources[e.id].(map[string]any)
	if e.typ, _ = resource["Type"].(string); e.typ == "" {
		l.invalid("Unable to find resource with id '%s', which '%s' names.", e.id, name)
		return nil
	}
	return e
}

// transformed is the type that a serverless resource becomes.
func transformed(typ string) string {
	switch name, _ := strings.CutPrefix(typ, prefix); name {
	case "Function":
		return "AWS::Lambda::Function"
	case "SimpleTable":
		return "AWS::DynamoDB::Table"
	case "StateMachine":
		return "AWS::StepFunctions::StateMachine"
	case "Api":
		return "AWS::ApiGateway::RestApi"
	case "HttpApi":
		return "AWS::ApiGatewayV2::Api"
	}
	return typ
}

// given is what the connector itself says, or what else follows from the resource.
func (e *end) given(name string, otherwise any) any {
	if value := e.values[name]; value != nil {
		return value
	}
	if e.id == "" || otherwise == nil {
		e.m.invalid("Missing required property '%s'.", e.path+name)
	}
	return otherwise
}

func (e *end) arn() any {
	if e.typ == "AWS::SNS::Topic" || e.typ == "AWS::StepFunctions::StateMachine" {
		return e.given("Arn", ref(e.id))
	}
	return e.given("Arn", getAtt(e.id, "Arn"))
}

// roleName is the name of the role that the resource works with.
func (e *end) roleName() any {
	resource, _ := e.m.resources[e.id].(map[string]any)
	properties, _ := resource["Properties"].(map[string]any)
	role := properties["Role"]
	if e.typ == "AWS::StepFunctions::StateMachine" {
		role = properties["RoleArn"]
	}
	if members, _ := role.(map[string]any); intrinsic(role) == "Fn::GetAtt" {
		switch v := members["Fn::GetAtt"].(type) {
		case []any:
			if id, ok := v[0].(string); ok {
				return e.given("RoleName", ref(id))
			}
		case string:
			id, _, _ := strings.Cut(v, ".")
			return e.given("RoleName", ref(id))
		}
	}
	return e.given("RoleName", nil)
}

// join makes what lets the source use the destination.
func (l *link) join(source, to *end, permissions []string, suffix string) {
	p, known := profiles[pair{source.typ, to.typ}]
	if !known {
		l.invalid("Unable to create connector from %s to %s; it's not supported by the simulator's transform or the template is invalid.", source.typ, to.typ)
		return
	}
	valid := sortedKeys(p.rules)
	for _, permission := range permissions {
		if !slices.Contains(valid, permission) {
			l.invalid("Unsupported 'Permissions' provided for connector from %s to %s; valid values are: %s.", source.typ, to.typ, strings.Join(valid, ", "))
			return
		}
	}
	id, made := p.make(&joint{link: l, profile: p, source: source, to: to, permissions: permissions, suffix: suffix})
	made["Metadata"] = l.metadata(source, to)
	if needed := l.resource["DependsOn"]; needed != nil {
		made["DependsOn"] = needed
	}
	l.awaited(id, source, to)
}

// metadata says which connector a resource is made by.
func (l *link) metadata(source, to *end) map[string]any {
	own, _ := l.resource["Metadata"].(map[string]any)
	return overlaid(own, map[string]any{"aws:sam:connectors": map[string]any{l.id: map[string]any{
		"Source": map[string]any{"Type": source.typ}, "Destination": map[string]any{"Type": to.typ},
	}}})
}

// awaited makes what reads the source for the destination wait for the permission.
func (l *link) awaited(id string, source, to *end) {
	if source.id == "" || to.id == "" {
		return
	}
	for _, other := range sortedKeys(l.resources) {
		resource, _ := l.resources[other].(map[string]any)
		properties, _ := resource["Properties"].(map[string]any)
		if resource["Type"] != "AWS::Lambda::EventSourceMapping" || !refersTo(properties["FunctionName"], to.id) || !refersTo(properties["EventSourceArn"], source.id) {
			continue
		}
		resource["DependsOn"] = unlike(listOf(resource["DependsOn"]), id)
	}
}

// refersTo reports whether a value is computed from a resource.
func refersTo(value any, id string) bool {
	if isRef(value) == id {
		return true
	}
	members, _ := value.(map[string]any)
	switch v := members["Fn::GetAtt"].(type) {
	case []any:
		return len(v) > 0 && reflect.DeepEqual(v[0], id)
	case string:
		return strings.HasPrefix(v, id+".")
	}
	return false
}
