package sam

import (
	"encoding/json"
	"slices"
	"strings"
)

// properties are a map of the template that is being read. What is read is
// taken; end refuses the rest by name.
type properties struct {
	m      *maker
	path   string // such as "Events.Often.Properties.", or ""
	values map[string]any
	taken  map[string]bool
}

// take returns a value, and nil where there is none.
func (p *properties) take(name string) any {
	p.taken[name] = true
	return p.values[name]
}

// require is take for what must be there.
func (p *properties) require(name string) any {
	value := p.take(name)
	if value == nil {
		p.m.invalid("Missing required property '%s'.", p.path+name)
	}
	return value
}

// copy takes values as they are.
func (p *properties) copy(to map[string]any, names ...string) {
	for _, name := range names {
		if value := p.take(name); value != nil {
			to[name] = value
		}
	}
}

// computed takes a value that the transform itself needs to know.
func (p *properties) computed(name string) any {
	value := p.take(name)
	if value == nil {
		return nil
	}
	result, err := p.m.Evaluate(value)
	if err != nil {
		p.m.invalid("The transform needs to know property '%s' before the deployment: %s", p.path+name, err)
	}
	return result
}

// text is a string that the transform itself needs to know.
func (p *properties) text(name string) string {
	value := p.computed(name)
	text, ok := value.(string)
	if value != nil && !ok {
		p.m.invalid("Property '%s' should be a string.", p.path+name)
	}
	return text
}

// version is a text that may be written as a number, such as 3.0.
func (p *properties) version(name string) string {
	if number, ok := p.values[name].(json.Number); ok {
		p.taken[name] = true
		return number.String()
	}
	return p.text(name)
}

// literal is a string that may not be computed.
func (p *properties) literal(name string) string {
	value := p.take(name)
	text, ok := value.(string)
	if value != nil && !ok {
		p.m.invalid("%s must be a string", p.path+name)
	}
	return text
}

// flag is a boolean that the transform itself needs to know.
func (p *properties) flag(name string) (holds, given bool) {
	switch value := p.computed(name).(type) {
	case nil:
		return false, false
	case bool:
		return value, true
	case string:
		if strings.EqualFold(value, "true") || strings.EqualFold(value, "false") {
			return strings.EqualFold(value, "true"), true
		}
	}
	p.m.invalid("Property '%s' should be a boolean.", p.path+name)
	return false, true
}

// properties takes a map whose members are read one by one.
func (p *properties) properties(name string) *properties {
	value := p.take(name)
	if value == nil {
		return nil
	}
	return p.m.properties(p.path+name, value)
}

func (m *maker) properties(path string, value any) *properties {
	values, ok := value.(map[string]any)
	if function := intrinsic(value); function != "" {
		m.invalid("The transform does not compute %s, which property '%s' is given by.", function, path)
	} else if !ok {
		m.invalid("Property '%s' should be a map.", path)
	}
	return &properties{m: m, path: path + ".", values: values, taken: map[string]bool{}}
}

// list takes a list; a single value is a list of itself.
func (p *properties) list(name string) []any {
	switch value := p.take(name).(type) {
	case nil:
		return nil
	case []any:
		return value
	default:
		return []any{value}
	}
}

// end refuses what nothing took.
func (p *properties) end() {
	if p == nil {
		return
	}
	for _, name := range sortedKeys(p.values) {
		if !p.taken[name] {
			p.m.invalid("property %s not defined for resource of type %s: the simulator's transform does not support it", p.path+name, p.m.typ)
		}
	}
}

// intrinsic is the name of the function that a value is computed by.
func intrinsic(value any) string {
	members, _ := value.(map[string]any)
	if len(members) != 1 {
		return ""
	}
	for name := range members {
		if name == "Ref" || name == "Condition" || strings.HasPrefix(name, "Fn::") {
			return name
		}
	}
	return ""
}

func ref(id string) map[string]any { return map[string]any{"Ref": id} }

func getAtt(id, name string) map[string]any { return map[string]any{"Fn::GetAtt": []any{id, name}} }

func sub(text string) map[string]any { return map[string]any{"Fn::Sub": text} }

func noValue() map[string]any { return ref("AWS::NoValue") }

// isRef is the logical id that a value refers to.
func isRef(value any) string {
	if intrinsic(value) != "Ref" {
		return ""
	}
	id, _ := value.(map[string]any)["Ref"].(string)
	return id
}

// readTags reads the map Tags: a list of tags behind SAM's own, where there is
// one. With PropagateTags they are those of all that is made, too.
func (m *maker) readTags(createdBy string) []any {
	var list []any
	if given := m.p.properties("Tags"); given != nil {
		for _, key := range sortedKeys(given.values) {
			list = append(list, map[string]any{"Key": key, "Value": given.values[key]})
		}
	}
	if propagate, _ := m.p.flag("PropagateTags"); propagate {
		m.tags = list
	}
	if createdBy == "" || len(m.tags) > 0 {
		return list
	}
	return append([]any{map[string]any{"Key": createdBy, "Value": "SAM"}}, list...)
}

// taggable are the types whose tags PropagateTags sets.
var taggable = map[string]bool{
	"AWS::ApiGateway::RestApi": true, "AWS::CodeDeploy::Application": true, "AWS::CodeDeploy::DeploymentGroup": true, "AWS::IAM::Role": true,
	"AWS::IoT::TopicRule": true, "AWS::S3::Bucket": true, "AWS::SNS::Topic": true, "AWS::SQS::Queue": true,
}

// tagged sets the tags of what PropagateTags reaches.
func (m *maker) tagged(typ string, properties map[string]any) map[string]any {
	if taggable[typ] && properties["Tags"] == nil && len(m.tags) > 0 {
		properties["Tags"] = m.tags
	}
	return properties
}

// service are policies that lie under service-role/.
var service = strings.Fields(`AWSLambdaBasicExecutionRole AWSLambdaDynamoDBExecutionRole AWSLambdaENIManagementAccess AWSLambdaKinesisExecutionRole
	AWSLambdaMSKExecutionRole AWSLambdaRole AWSLambdaSQSQueueExecutionRole AWSLambdaVPCAccessExecutionRole`)

// managed is the ARN of a managed policy of AWS.
func (m *maker) managed(name string) string {
	switch {
	case strings.HasPrefix(name, "arn:"), strings.HasPrefix(name, "{{resolve:"):
		return name
	case slices.Contains(service, name):
		name = "service-role/" + name
	}
	return "arn:" + m.Partition + ":iam::aws:policy/" + name
}

// allowed is a policy of one statement.
func allowed(name, action string, resource any) map[string]any {
	return map[string]any{"PolicyName": name, "PolicyDocument": map[string]any{"Statement": []any{
		map[string]any{"Effect": "Allow", "Action": action, "Resource": resource},
	}}}
}

// trust lets a service assume a role.
func trust(service string) map[string]any {
	return map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
		"Effect": "Allow", "Action": []any{"sts:AssumeRole"}, "Principal": map[string]any{"Service": []any{service}},
	}}}
}
