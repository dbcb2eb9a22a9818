package sam

import (
	"encoding/json"
	"fmt"
	"strings"
)

// simpleTable makes a table with one key.
func (m *maker) simpleTable() {
	name, typ := any("id"), "S"
	if key := m.p.properties("PrimaryKey"); key != nil {
		name = key.require("Name")
		given := key.text("Type")
		if typ = map[string]string{"String": "S", "Number": "N", "Binary": "B"}[given]; typ == "" {
			m.invalid("Invalid 'Type' \"%s\".", given)
		}
		key.end()
	}
	made := map[string]any{
		"AttributeDefinitions": []any{map[string]any{"AttributeName": name, "AttributeType": typ}},
		"KeySchema":            []any{map[string]any{"AttributeName": name, "KeyType": "HASH"}},
	}
	m.p.copy(made, "PointInTimeRecoverySpecification", "ProvisionedThroughput", "SSESpecification", "TableName")
	if made["ProvisionedThroughput"] == nil {
		made["BillingMode"] = "PAY_PER_REQUEST"
	}
	if list := m.readTags(""); len(list) > 0 {
		made["Tags"] = list
	}
	m.become("AWS::DynamoDB::Table", made)
}

// layer makes a version of a layer, whose logical id changes with what it says,
// so that every update leaves the old version where it was.
func (m *maker) layer() {
	made := map[string]any{"LayerName": m.id}
	m.p.copy(made, "LayerName", "Description", "CompatibleArchitectures", "CompatibleRuntimes", "LicenseInfo")
	publish, _ := m.p.flag("PublishLambdaVersion")
	if publish {
		m.invalid("the simulator's transform does not support the property PublishLambdaVersion")
	}
	made["Content"] = m.location("ContentUri", m.p.require("ContentUri"), "S3Bucket", "S3Key", "S3ObjectVersion")
	retention := m.p.text("RetentionPolicy")
	switch strings.ToLower(retention) {
	case "":
		retention = "Retain"
	case "retain":
		retention = "Retain"
	case "delete":
		retention = "Delete"
	default:
		m.invalid("'RetentionPolicy' must be one of the following options: ['Retain', 'Delete'].")
	}
	id := m.id + m.digest(map[string]any{"Type": m.typ, "Properties": m.p.values})
	m.resource["Type"], m.resource["Properties"] = "AWS::Lambda::LayerVersion", made
	if m.resource["DeletionPolicy"] == nil {
		m.resource["DeletionPolicy"] = retention
	}
	delete(m.resources, m.id)
	m.resources[id] = m.resource
	m.transform.made[m.id] = id
}

// application makes a nested stack of an application.
func (m *maker) application() {
	made := map[string]any{}
	m.p.copy(made, "NotificationARNs", "Parameters", "TimeoutInMinutes")
	var list []any
	switch location := m.p.require("Location").(type) {
	case nil:
	case string:
		if !strings.HasPrefix(location, "https://") {
			m.invalid("'Location' must be the URL of a template, or have ApplicationId and SemanticVersion: %s", location)
		}
		made["TemplateURL"] = location
	default:
		p := m.properties("Location", location)
		p.require("ApplicationId")
		p.require("SemanticVersion")
		id, version := p.text("ApplicationId"), p.version("SemanticVersion")
		p.end()
		url, err := m.Application(id, version)
		if err != nil {
			m.invalid("%s", err)
		}
		made["TemplateURL"] = url
		list = []any{
			map[string]any{"Key": "serverlessrepo:applicationId", "Value": id},
			map[string]any{"Key": "serverlessrepo:semanticVersion", "Value": version},
		}
	}
	own := m.readTags(lambdaTag)
	made["Tags"] = append(append(own[:1:1], list...), own[1:]...)
	m.become("AWS::CloudFormation::Stack", made)
}

// stateMachine makes a state machine, a role where none is given, and what
// starts it.
func (m *maker) stateMachine() {
	made := map[string]any{}
	m.p.copy(made, "DefinitionSubstitutions")
	for from, to := range map[string]string{
		"Logging": "LoggingConfiguration", "Name": "StateMachineName", "Tracing": "TracingConfiguration", "Type": "StateMachineType", "Role": "RoleArn",
	} {
		if value := m.p.take(from); value != nil {
			made[to] = value
		}
	}
	m.definition(made)
	made["Tags"] = m.readTags("stateMachine:createdBy")
	r := &role{m: m, trust: trust("states.amazonaws.com"), managed: []any{}, path: m.p.take("RolePath"), boundary: m.p.take("PermissionsBoundary"), tags: made["Tags"]}
	policies := m.p.list("Policies")
	switch {
	case made["RoleArn"] != nil && len(policies) > 0:
		m.invalid("Specify either 'Role' or 'Policies' (but not both at the same time) property.")
	case made["RoleArn"] == nil:
		r.policies(policies)
		if tracing, _ := made["TracingConfiguration"].(map[string]any); tracing["Enabled"] == true {
			r.managed = unlike(r.managed, m.tracing())
		}
		made["RoleArn"] = r.add(m.id + "Role")
	}
	m.starts(r.boundary)
	m.become("AWS::StepFunctions::StateMachine", made)
}

// starts makes what starts the state machine.
func (m *maker) starts(boundary any) {
	declared := m.p.properties("Events")
	if declared == nil {
		return
	}
	for _, name := range sortedKeys(declared.values) {
		m.event = name
		event := m.properties("Events."+name, declared.values[name])
		kind, p := event.text("Type"), event.properties("Properties")
		event.end()
		if p == nil {
			p = m.properties("Events."+name+".Properties", map[string]any{})
		}
		c := &called{
			maker: m, target: target{m: m, id: m.id, alias: true}, id: m.id + name, suffix: "StepFunctionsTarget", p: p,
			action: "states:StartExecution", policy: "StartExecutionPolicy", boundary: boundary,
		}
		starts := map[string]func(){"Schedule": c.schedule, "ScheduleV2": c.scheduler, "CloudWatchEvent": c.rule, "EventBridgeRule": c.rule}[kind]
		if starts == nil {
			m.invalid("the simulator's transform does not support the event type %s of state machines", kind)
		} else {
			starts()
			p.end()
		}
		m.event = ""
	}
}

// definition reads what the state machine does: a file in S3, or the states
// themselves, in which what is computed becomes a substitution.
func (m *maker) definition(made map[string]any) {
	states, uri := m.p.take("Definition"), m.p.take("DefinitionUri")
	switch {
	case states != nil && uri != nil:
		m.invalid("Specify either 'Definition' or 'DefinitionUri' property and not both.")
	case uri != nil:
		made["DefinitionS3Location"] = m.location("DefinitionUri", uri, "Bucket", "Key", "Version")
	case states != nil:
		if _, ok := states.(map[string]any); !ok {
			m.invalid("Property 'Definition' should be a map.")
		}
		substitutions, _ := made["DefinitionSubstitutions"].(map[string]any)
		all := overlaid(substitutions, nil)
		count := 0
		made["DefinitionString"] = m.lines(substituted(states, all, &count))
		if len(all) > 0 {
			made["DefinitionSubstitutions"] = all
		}
	default:
		m.invalid("Either 'Definition' or 'DefinitionUri' property must be specified.")
	}
}

// lines is the text of a definition, joined of its lines.
func (m *maker) lines(states any) any {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "    ")
	if err := encoder.Encode(states); err != nil {
		m.invalid("Property 'Definition' should be a map: %v", err)
	}
	return map[string]any{"Fn::Join": []any{"\n", anyOf(strings.Split(strings.TrimSpace(text.String()), "\n"))}}
}

// substituted copies a value with everything computed replaced by ${…}, whose
// values are added.
func substituted(value any, values map[string]any, count *int) any {
	text, isText := value.(string)
	if intrinsic(value) != "" || isText && strings.HasPrefix(text, "{{resolve:") {
		*count++
		name := fmt.Sprintf("definition_substitution_%d", *count)
		values[name] = value
		return "${" + name + "}"
	}
	switch v := value.(type) {
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = substituted(item, values, count)
		}
		return list
	case map[string]any:
		members := make(map[string]any, len(v))
		for _, key := range sortedKeys(v) {
			members[key] = substituted(v[key], values, count)
		}
		return members
	}
	return value
}
