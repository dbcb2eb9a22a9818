package sam

import (
	"maps"
	"strings"
)

// events makes what calls the function.
func (f *function) events() {
	declared := f.p.properties("Events")
	if declared == nil {
		return
	}
	for _, name := range sortedKeys(declared.values) {
		f.event = name
		f.declared(name, declared.values[name])
		f.event = ""
	}
}

// kinds are the types of events.
var kinds = map[string]func(*event){
	"AlexaSkill":      (*event).skill,
	"Api":             (*event).rest,
	"CloudWatchEvent": (*event).rule,
	"CloudWatchLogs":  (*event).logs,
	"Cognito":         (*event).cognito,
	"DynamoDB":        (*event).pull,
	"EventBridgeRule": (*event).rule,
	"HttpApi":         (*event).http,
	"IoTRule":         (*event).iot,
	"Kinesis":         (*event).pull,
	"S3":              (*event).bucket,
	"SNS":             (*event).topic,
	"SQS":             (*event).pull,
	"Schedule":        (*event).schedule,
	"ScheduleV2":      (*event).scheduler,
}

// event is an event of a function that is being made.
type event struct {
	*function
	name string
	kind string
	id   string // logical id of what is made for it
	p    *properties
}

func (f *function) declared(name string, value any) {
	declared := f.properties("Events."+name, value)
	defer declared.end()
	kind := declared.text("Type")
	if kinds[kind] == nil {
		f.invalid("the simulator's transform does not support the event type %s", kind)
		declared.take("Properties")
		return
	}
	p := declared.properties("Properties")
	if p == nil {
		p = f.properties("Events."+name+".Properties", map[string]any{})
	}
	kinds[kind](&event{function: f, name: name, kind: kind, id: f.id + name, p: p})
	p.end()
}

// permit lets a service call the function.
func (e *event) permit(id, service string, more map[string]any) {
	properties := map[string]any{"Action": "lambda:InvokeFunction", "FunctionName": ref(e.target.id), "Principal": service}
	maps.Copy(properties, more)
	e.add(id, "AWS::Lambda::Permission", properties)
}

// topic subscribes the function, or a queue that it reads.
func (e *event) topic() {
	topic, queue := e.p.require("Topic"), e.p.take("SqsSubscription")
	subscription := map[string]any{"TopicArn": topic, "Protocol": "lambda", "Endpoint": e.target.arn()}
	e.p.copy(subscription, "Region", "FilterPolicy", "FilterPolicyScope", "RedrivePolicy")
	switch queue {
	case nil, false:
		e.permit(e.id+"Permission", "sns.amazonaws.com", map[string]any{"SourceArn": topic})
	case true:
		made := map[string]any{}
		if fifo, _ := e.resources[isRef(topic)].(map[string]any); fifo != nil {
			if properties, _ := fifo["Properties"].(map[string]any); properties["FifoTopic"] != nil {
				made["FifoQueue"] = properties["FifoTopic"]
			}
		}
		e.add(e.id+"Queue", "AWS::SQS::Queue", made)
		e.viaQueue(subscription, getAtt(e.id+"Queue", "Arn"), ref(e.id+"Queue"), "", nil, nil)
	default:
		p := e.p.properties("SqsSubscription")
		e.viaQueue(subscription, p.require("QueueArn"), p.require("QueueUrl"), p.text("QueuePolicyLogicalId"), p.take("BatchSize"), p.take("Enabled"))
		p.end()
	}
	e.add(e.id, "AWS::SNS::Subscription", subscription)
}

// viaQueue lets the topic send to a queue, and the function read it.
func (e *event) viaQueue(subscription map[string]any, arn, url any, policy string, batch, enabled any) {
	subscription["Protocol"], subscription["Endpoint"] = "sqs", arn
	if policy == "" {
		policy = e.id + "QueuePolicy"
	}
	e.add(policy, "AWS::SQS::QueuePolicy", map[string]any{"Queues": []any{url}, "PolicyDocument": map[string]any{
		"Version": "2012-10-17", "Statement": []any{map[string]any{
			"Action": "sqs:SendMessage", "Effect": "Allow", "Principal": "*", "Resource": arn,
			"Condition": map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": subscription["TopicArn"]}},
		}},
	}})
	if batch == nil {
		batch = 10
	}
	if enabled == nil {
		enabled = true
	}
	e.mapping(e.id+"EventSourceMapping", map[string]any{"EventSourceArn": arn, "BatchSize": batch, "Enabled": enabled}, "SQS")
}

// bucket makes a bucket of the template notify the function.
func (e *event) bucket() {
	resource, id := e.inTemplate("Bucket", "AWS::S3::Bucket")
	events, filter := e.p.list("Events"), e.p.take("Filter")
	if len(events) == 0 {
		e.invalid("Missing required property 'Events'.")
	}
	if resource == nil {
		return
	}
	permission := e.id + "Permission"
	e.permit(permission, "s3.amazonaws.com", map[string]any{"SourceAccount": ref("AWS::AccountId")})
	properties := e.tagged("AWS::S3::Bucket", e.member(resource, "Properties", id+".Properties"))
	condition := e.resource["Condition"]
	if condition == nil {
		resource["DependsOn"] = unlike(listOf(resource["DependsOn"]), permission)
	} else { // DependsOn cannot be conditional
		tags, ok := properties["Tags"].([]any)
		if !ok && properties["Tags"] != nil {
			e.invalid("Property '%s.Tags' should be a list.", id)
		}
		properties["Tags"] = append(tags, map[string]any{
			"Key":   "sam:ConditionalDependsOn:" + permission,
			"Value": map[string]any{"Fn::If": []any{condition, ref(permission), "no dependency"}},
		})
	}
	notifications := e.member(properties, "NotificationConfiguration", id+".NotificationConfiguration")
	list, ok := notifications["LambdaConfigurations"].([]any)
	if !ok && notifications["LambdaConfigurations"] != nil {
		e.invalid("LambdaConfigurations of bucket [%s] should be a list.", id)
	}
	for _, name := range events {
		if _, ok := name.(string); !ok {
			e.invalid("Type of property 'Events' is invalid.")
		}
		configuration := map[string]any{"Function": e.target.arn(), "Event": name}
		if filter != nil {
			configuration["Filter"] = filter
		}
		list = unlike(list, e.conditional(configuration))
	}
	notifications["LambdaConfigurations"] = list
}

// conditional is a value that is there when the function is.
func (m *maker) conditional(value any) any {
	if m.resource["Condition"] == nil {
		return value
	}
	return map[string]any{"Fn::If": []any{m.resource["Condition"], value, noValue()}}
}

// inTemplate is the resource that a property refers to.
func (e *event) inTemplate(property, typ string) (map[string]any, string) {
	id := isRef(e.p.require(property))
	resource, _ := e.resources[id].(map[string]any)
	if resource["Type"] != typ {
		e.invalid("%s events must reference an %s in the same template.", e.kind, typ)
		return nil, id
	}
	return resource, id
}

// member is a map within another one, made where it is not there. What is no
// map is refused.
func (m *maker) member(parent map[string]any, name, path string) map[string]any {
	value, ok := parent[name].(map[string]any)
	switch {
	case parent[name] == nil:
		value = map[string]any{}
		parent[name] = value
	case !ok || intrinsic(value) != "":
		m.invalid("Property '%s' should be a map.", path)
		return map[string]any{}
	}
	return value
}

func listOf(value any) []any {
	switch v := value.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{value}
}

// cognito makes triggers of a user pool of the template.
func (e *event) cognito() {
	pool, id := e.inTemplate("UserPool", "AWS::Cognito::UserPool")
	triggers := e.p.list("Trigger")
	if len(triggers) == 0 {
		e.invalid("Missing required property 'Trigger'.")
	}
	if pool == nil {
		return
	}
	permission := map[string]any{"SourceArn": getAtt(id, "Arn")}
	e.permit(e.target.id+"CognitoPermission", "cognito-idp.amazonaws.com", permission)
	config := e.member(e.member(pool, "Properties", id+".Properties"), "LambdaConfig", id+".LambdaConfig")
	for _, trigger := range triggers {
		name, _ := trigger.(string)
		if config[name] != nil || name == "" {
			e.invalid("Cognito trigger \"%v\" defined multiple times.", trigger)
		}
		config[name] = e.target.arn()
	}
}

func (e *event) logs() {
	group := e.p.require("LogGroupName")
	e.permit(e.id+"Permission", "logs.amazonaws.com", map[string]any{"SourceArn": map[string]any{"Fn::Sub": []any{
		"arn:" + e.Partition + ":logs:${AWS::Region}:${AWS::AccountId}:log-group:${__LogGroupName__}:*", map[string]any{"__LogGroupName__": group},
	}}})
	filter := e.add(e.id, "AWS::Logs::SubscriptionFilter", map[string]any{
		"LogGroupName": group, "FilterPattern": e.p.require("FilterPattern"), "DestinationArn": e.target.arn(),
	})
	filter["DependsOn"] = []any{e.id + "Permission"}
}

func (e *event) iot() {
	payload := map[string]any{
		"Sql": e.p.require("Sql"), "RuleDisabled": false,
		"Actions": []any{map[string]any{"Lambda": map[string]any{"FunctionArn": e.target.arn()}}},
	}
	e.p.copy(payload, "AwsIotSqlVersion")
	e.permit(e.id+"Permission", "iot.amazonaws.com", map[string]any{
		"SourceAccount": sub("${AWS::AccountId}"),
		"SourceArn": map[string]any{"Fn::Sub": []any{
			"arn:" + e.Partition + ":iot:${AWS::Region}:${AWS::AccountId}:rule/${RuleName}", map[string]any{"RuleName": ref(e.id)},
		}},
	})
	e.add(e.id, "AWS::IoT::TopicRule", map[string]any{"TopicRulePayload": payload})
}

func (e *event) skill() {
	token := map[string]any{}
	if skill := e.p.take("SkillId"); skill != nil {
		token["EventSourceToken"] = skill
	}
	e.permit(e.id+"Permission", "alexa-appkit.amazon.com", token)
}

// pulled are the sources that Lambda reads: the property that names the
// source, the policy of the function's role, and what of
// AWS::Lambda::EventSourceMapping the event may say.
var pulled = map[string]struct{ source, policy, copied string }{
	"SQS": {"Queue", "AWSLambdaSQSQueueExecutionRole", `BatchSize Enabled FilterCriteria FunctionResponseTypes KmsKeyArn
		MaximumBatchingWindowInSeconds MetricsConfig ScalingConfig`},
	"Kinesis":  {"Stream", "AWSLambdaKinesisExecutionRole", streamed},
	"DynamoDB": {"Stream", "AWSLambdaDynamoDBExecutionRole", streamed},
}

const streamed = `BatchSize BisectBatchOnFunctionError Enabled FilterCriteria FunctionResponseTypes KmsKeyArn
	MaximumBatchingWindowInSeconds MaximumRecordAgeInSeconds MaximumRetryAttempts MetricsConfig ParallelizationFactor StartingPosition
	StartingPositionTimestamp TumblingWindowInSeconds`

// pull makes the function read a queue or stream.
func (e *event) pull() {
	kind := pulled[e.kind]
	mapping := map[string]any{"EventSourceArn": e.p.require(kind.source)}
	e.p.copy(mapping, strings.Fields(kind.copied)...)
	if kind.source == "Stream" {
		e.p.require("StartingPosition")
		e.failures(mapping)
	}
	e.mapping(e.id, mapping, e.kind)
}

func (e *event) mapping(id string, properties map[string]any, kind string) {
	properties["FunctionName"] = ref(e.target.id)
	e.role.managed = unlike(e.role.managed, e.managed("service-role/"+pulled[kind].policy))
	e.add(id, "AWS::Lambda::EventSourceMapping", properties)
}

// failures is where records go that the function could not process.
func (e *event) failures(mapping map[string]any) {
	config := e.p.properties("DestinationConfig")
	if config == nil {
		return
	}
	defer config.end()
	failure := config.properties("OnFailure")
	if failure == nil {
		e.invalid("Missing required property '%sOnFailure'.", config.path)
		return
	}
	defer failure.end()
	to, typ := failure.require("Destination"), failure.text("Type")
	mapping["DestinationConfig"] = map[string]any{"OnFailure": map[string]any{"Destination": to}}
	needs, known := destinations[typ]
	switch {
	case typ == "": // the role is not handled here
	case !known || typ == "EventBridge" || typ == "Lambda":
		e.invalid("the simulator's transform does not support the destination type '%s': 'SQS' or 'SNS'", typ)
	default:
		e.role.inline = unlike(e.role.inline, allowed(e.id+needs[1], needs[0], to))
	}
}
