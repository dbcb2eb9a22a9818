package sam

import (
	"slices"
	"strings"
)

// pair are the types of the two resources that a connector connects.
type pair struct{ source, destination string }

// profile is how two types are connected: by a policy of the role of one of
// them, or by what the destination allows.
type profile struct {
	make  func(j *joint) (id string, made map[string]any)
	rules map[string][]rule // by permission
}

// joint is one destination of a connector that is being made.
type joint struct {
	*link
	profile
	source      *end
	to          *end
	permissions []string
	suffix      string // of logical ids
}

// rule are actions on parts of a resource, which are written behind its ARN; a
// part that begins with : is of another kind of resource with the same name.
type rule struct{ actions, parts string }

const (
	lambdaFunction = "AWS::Lambda::Function"
	stateMachine   = "AWS::StepFunctions::StateMachine"
	dynamoTable    = "AWS::DynamoDB::Table"
	s3Bucket       = "AWS::S3::Bucket"
	sqsQueue       = "AWS::SQS::Queue"
	snsTopic       = "AWS::SNS::Topic"
	eventBus       = "AWS::Events::EventBus"
	eventRule      = "AWS::Events::Rule"
	rest           = "AWS::ApiGateway::RestApi"
	httpAPI        = "AWS::ApiGatewayV2::Api"
)

const whole = "."

var (
	readTable  = []rule{{"dynamodb:GetItem dynamodb:Query dynamodb:Scan dynamodb:BatchGetItem dynamodb:ConditionCheckItem dynamodb:PartiQLSelect", whole + " /index/*"}}
	writeTable = []rule{{"dynamodb:PutItem dynamodb:UpdateItem dynamodb:DeleteItem dynamodb:BatchWriteItem dynamodb:PartiQLDelete dynamodb:PartiQLInsert dynamodb:PartiQLUpdate", whole + " /index/*"}}
	readBucket = []rule{{`s3:GetObject s3:GetObjectAcl s3:GetObjectLegalHold s3:GetObjectRetention s3:GetObjectTorrent s3:GetObjectVersion
		s3:GetObjectVersionAcl s3:GetObjectVersionForReplication s3:GetObjectVersionTorrent s3:ListBucket s3:ListBucketMultipartUploads
		s3:ListBucketVersions s3:ListMultipartUploadParts`, whole + " /*"}}
	writeBucket = []rule{{"s3:AbortMultipartUpload s3:DeleteObject s3:DeleteObjectVersion s3:PutObject s3:PutObjectLegalHold s3:PutObjectRetention s3:RestoreObject", whole + " /*"}}
	invoke      = []rule{{"lambda:InvokeAsync lambda:InvokeFunction", whole}}
	publish     = []rule{{"sns:Publish", whole}}
	send        = []rule{{"sqs:SendMessage", whole}}
	putEvents   = []rule{{"events:PutEvents", whole}}
)

// profiles are those of
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/reference-sam-connector.html
// that public apps use.
var profiles = map[pair]profile{
	{lambdaFunction, dynamoTable}: {bySource, readWrite(readTable, writeTable)},
	{lambdaFunction, s3Bucket}:    {bySource, readWrite(readBucket, writeBucket)},
	{lambdaFunction, sqsQueue}: {bySource, readWrite([]rule{{"sqs:ReceiveMessage sqs:GetQueueAttributes", whole}},
		[]rule{{"sqs:DeleteMessage sqs:SendMessage sqs:ChangeMessageVisibility sqs:PurgeQueue", whole}})},
	{lambdaFunction, snsTopic}:       {bySource, readWrite(nil, publish)},
	{lambdaFunction, eventBus}:       {bySource, readWrite(nil, putEvents)},
	{lambdaFunction, lambdaFunction}: {bySource, readWrite(nil, invoke)},
	{lambdaFunction, stateMachine}: {bySource, readWrite([]rule{
		{"states:DescribeStateMachine states:ListExecutions", whole},
		{"states:DescribeExecution states:DescribeStateMachineForExecution states:GetExecutionHistory", ":execution"},
	},
		[]rule{{"states:StartExecution states:StartSyncExecution", whole}, {"states:StopExecution", ":execution"}})},
	{stateMachine, dynamoTable}:    {bySource, readWrite(readTable, writeTable)},
	{stateMachine, s3Bucket}:       {bySource, readWrite(readBucket, writeBucket)},
	{stateMachine, sqsQueue}:       {bySource, readWrite(nil, send)},
	{stateMachine, snsTopic}:       {bySource, readWrite(nil, publish)},
	{stateMachine, eventBus}:       {bySource, readWrite(nil, putEvents)},
	{stateMachine, lambdaFunction}: {bySource, readWrite(nil, invoke)},
	{dynamoTable, lambdaFunction}: {byDestination, readWrite([]rule{
		{"dynamodb:DescribeStream dynamodb:GetRecords dynamodb:GetShardIterator dynamodb:ListStreams", "/stream/*"},
	}, nil)},
	{sqsQueue, lambdaFunction}: {byDestination, readWrite([]rule{{"sqs:ReceiveMessage sqs:GetQueueAttributes", whole}}, []rule{{"sqs:DeleteMessage", whole}})},

	{snsTopic, lambdaFunction}:  {calling("sns.amazonaws.com", (*end).arn), readWrite(nil, invoke)},
	{s3Bucket, lambdaFunction}:  {calling("s3.amazonaws.com", (*end).arn), readWrite(nil, invoke)},
	{eventRule, lambdaFunction}: {calling("events.amazonaws.com", (*end).arn), readWrite(nil, invoke)},
	{rest, lambdaFunction}:      {calling("apigateway.amazonaws.com", (*end).methods), readWrite(nil, invoke)},
	{httpAPI, lambdaFunction}:   {calling("apigateway.amazonaws.com", (*end).methods), readWrite(nil, invoke)},

	{snsTopic, sqsQueue}:  {allowing("AWS::SQS::QueuePolicy", "QueuePolicy", "sns.amazonaws.com"), readWrite(nil, send)},
	{eventRule, sqsQueue}: {allowing("AWS::SQS::QueuePolicy", "QueuePolicy", "events.amazonaws.com"), readWrite(nil, send)},
	{eventRule, snsTopic}: {allowing("AWS::SNS::TopicPolicy", "TopicPolicy", "events.amazonaws.com"), readWrite(nil, publish)},
}

func readWrite(read, write []rule) map[string][]rule {
	actions := map[string][]rule{}
	if read != nil {
		actions["Read"] = read
	}
	if write != nil {
		actions["Write"] = write
	}
	return actions
}

// bySource gives the role of the source a policy on the destination.
func bySource(j *joint) (string, map[string]any) { return j.grant(j.source.roleName(), j.to.arn()) }

// byDestination gives the role of the destination a policy on the source.
func byDestination(j *joint) (string, map[string]any) {
	return j.grant(j.to.roleName(), j.source.arn())
}

func (j *joint) grant(role, arn any) (string, map[string]any) {
	var statements []any
	for _, permission := range slices.Compact(slices.Sorted(slices.Values(j.permissions))) {
		for _, r := range j.rules[permission] {
			var resources []any
			for _, part := range strings.Fields(r.parts) {
				resources = append(resources, partOf(arn, part))
			}
			statements = append(statements, map[string]any{"Effect": "Allow", "Action": anyOf(strings.Fields(r.actions)), "Resource": resources})
		}
	}
	id := j.id + "Policy" + j.suffix
	return id, j.add(id, "AWS::IAM::ManagedPolicy", map[string]any{
		"PolicyDocument": map[string]any{"Version": "2012-10-17", "Statement": statements}, "Roles": []any{role},
	})
}

// partOf is a part of the resource with the ARN.
func partOf(arn any, part string) any {
	switch part {
	case whole:
		return arn
	case ":execution":
		name := map[string]any{"Fn::Select": []any{"6", map[string]any{"Fn::Split": []any{":", arn}}}}
		return map[string]any{"Fn::Sub": []any{
			"arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:execution:${Name}:*", map[string]any{"Name": name},
		}}
	}
	return map[string]any{"Fn::Sub": []any{"${Arn}" + part, map[string]any{"Arn": arn}}}
}

// methods are those of an API, in the stage that the connector says.
func (e *end) methods() any {
	qualifier := e.values["Qualifier"]
	if qualifier == nil {
		qualifier = "*"
	}
	return map[string]any{"Fn::Sub": []any{
		"arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/${Qualifier}",
		map[string]any{"Api": e.given("ResourceId", ref(e.id)), "Qualifier": qualifier},
	}}
}

// calling lets a service call the destination, a function.
func calling(service string, arn func(*end) any) func(*joint) (string, map[string]any) {
	return func(j *joint) (string, map[string]any) {
		made := map[string]any{"Action": "lambda:InvokeFunction", "FunctionName": j.to.arn(), "Principal": service, "SourceArn": arn(j.source)}
		if j.source.typ == s3Bucket {
			made["SourceAccount"] = ref("AWS::AccountId")
		}
		id := j.id + "WriteLambdaPermission" + j.suffix
		return id, j.add(id, "AWS::Lambda::Permission", made)
	}
}

// allowing gives the destination a policy for the service of the source.
func allowing(typ, name, service string) func(*joint) (string, map[string]any) {
	return func(j *joint) (string, map[string]any) {
		made := map[string]any{"PolicyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
			"Effect": "Allow", "Principal": map[string]any{"Service": service}, "Resource": j.to.arn(),
			"Action":    anyOf(strings.Fields(j.rules["Write"][0].actions)),
			"Condition": map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": j.source.arn()}},
		}}}}
		if j.to.typ == sqsQueue {
			made["Queues"] = []any{j.to.given("QueueUrl", ref(j.to.id))}
		} else {
			made["Topics"] = []any{j.to.arn()}
		}
		id := j.id + name + j.suffix
		return id, j.add(id, typ, made)
	}
}
