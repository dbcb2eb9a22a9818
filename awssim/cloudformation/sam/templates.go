package sam

import (
	"regexp"
	"slices"
	"strings"
)

// statement is one of a policy template: actions, and the ARNs of resources
// without their "arn:partition:"; ${…} stands for parameters.
type statement struct{ actions, resources string }

// policyTemplates are those of
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-policy-template-list.html
// that public apps use.
var policyTemplates = map[string][]statement{
	"AWSSecretsManagerGetSecretValuePolicy": {{"secretsmanager:GetSecretValue", "${SecretArn}"}},
	"CloudFormationDescribeStacksPolicy":    {{"cloudformation:DescribeStacks", "cloudformation:@:stack/*"}},
	"CloudWatchPutMetricPolicy":             {{"cloudwatch:PutMetricData", "*"}},
	"CodePipelineLambdaExecutionPolicy":     {{"codepipeline:PutJobSuccessResult codepipeline:PutJobFailureResult", "*"}},
	"DynamoDBCrudPolicy":                    {{dynamoDBCrud, table}},
	"DynamoDBReadPolicy":                    {{"dynamodb:GetItem dynamodb:Scan dynamodb:Query dynamodb:BatchGetItem dynamodb:DescribeTable", table}},
	"DynamoDBReconfigurePolicy":             {{"dynamodb:UpdateTable", "dynamodb:@:table/${TableName}"}},
	"DynamoDBStreamReadPolicy":              {{"dynamodb:DescribeStream dynamodb:GetRecords dynamodb:GetShardIterator", "dynamodb:@:table/${TableName}/stream/${StreamName}"}, {"dynamodb:ListStreams", "dynamodb:@:table/${TableName}/stream/*"}},
	"DynamoDBWritePolicy":                   {{"dynamodb:PutItem dynamodb:UpdateItem dynamodb:BatchWriteItem", table}},
	"EventBridgePutEventsPolicy":            {{"events:PutEvents", "events:@:event-bus/${EventBusName}"}},
	"FirehoseWritePolicy":                   {{"firehose:PutRecord firehose:PutRecordBatch", "firehose:@:deliverystream/${DeliveryStreamName}"}},
	"KMSDecryptPolicy":                      {{"kms:Decrypt", "kms:@:key/${KeyId}"}},
	"KMSEncryptPolicy":                      {{"kms:Encrypt", "kms:@:key/${KeyId}"}},
	"KinesisStreamReadPolicy":               {{"kinesis:ListStreams kinesis:DescribeLimits", "kinesis:@:stream/*"}, {"kinesis:DescribeStream kinesis:DescribeStreamSummary kinesis:GetRecords kinesis:GetShardIterator", "kinesis:@:stream/${StreamName}"}},
	"LambdaInvokePolicy":                    {{"lambda:InvokeFunction", "lambda:@:function:${FunctionName}*"}},
	"S3CrudPolicy":                          {{"s3:GetObject s3:ListBucket s3:GetBucketLocation s3:GetObjectVersion s3:PutObject s3:PutObjectAcl s3:GetLifecycleConfiguration s3:PutLifecycleConfiguration s3:DeleteObject", bucket}},
	"S3ReadPolicy":                          {{"s3:GetObject s3:ListBucket s3:GetBucketLocation s3:GetObjectVersion s3:GetLifecycleConfiguration", bucket}},
	"S3WritePolicy":                         {{"s3:PutObject s3:PutObjectAcl s3:PutLifecycleConfiguration", bucket}},
	"SESCrudPolicy":                         {{"ses:GetIdentityVerificationAttributes ses:SendEmail ses:SendRawEmail ses:VerifyEmailIdentity", "ses:@:identity/${IdentityName}"}},
	"SNSCrudPolicy":                         {{"sns:ListSubscriptionsByTopic sns:CreateTopic sns:SetTopicAttributes sns:Subscribe sns:Publish", "sns:@:${TopicName}*"}},
	"SNSPublishMessagePolicy":               {{"sns:Publish", "sns:@:${TopicName}"}},
	"SQSPollerPolicy":                       {{"sqs:ChangeMessageVisibility sqs:ChangeMessageVisibilityBatch sqs:DeleteMessage sqs:DeleteMessageBatch sqs:GetQueueAttributes sqs:ReceiveMessage", "sqs:@:${QueueName}"}},
	"SQSSendMessagePolicy":                  {{"sqs:SendMessage*", "sqs:@:${QueueName}"}},
	"SSMParameterReadPolicy":                {{"ssm:DescribeParameters", "*"}, {ssmRead, "ssm:@:parameter/${ParameterName}"}},
	"SSMParameterWithSlashPrefixReadPolicy": {{"ssm:DescribeParameters", "*"}, {ssmRead, "ssm:@:parameter${ParameterName}"}},
	"StepFunctionsExecutionPolicy":          {{"states:StartExecution", "states:@:stateMachine:${StateMachineName}"}},
	"VPCAccessPolicy":                       {{"ec2:CreateNetworkInterface ec2:DeleteNetworkInterface ec2:DescribeNetworkInterfaces ec2:DetachNetworkInterface", "*"}},
}

const (
	dynamoDBCrud = "dynamodb:GetItem dynamodb:DeleteItem dynamodb:PutItem dynamodb:Scan dynamodb:Query dynamodb:UpdateItem " +
		"dynamodb:BatchWriteItem dynamodb:BatchGetItem dynamodb:DescribeTable dynamodb:ConditionCheckItem"
	ssmRead = "ssm:GetParameters ssm:GetParameter ssm:GetParametersByPath"
	table   = "dynamodb:@:table/${TableName} dynamodb:@:table/${TableName}/index/*"
	bucket  = "s3:::${BucketName} s3:::${BucketName}/*"
)

// fromTemplate makes the document of a policy template.
func (r *role) fromTemplate(name string, value any) any {
	statements, known := policyTemplates[name]
	if !known {
		r.m.invalid("the simulator's transform does not support the policy template %s", name)
		return nil
	}
	given := r.m.properties("Policies."+name, value)
	defer given.end()
	var made []any
	for _, s := range statements {
		var resources []any
		for _, resource := range strings.Fields(s.resources) {
			resources = append(resources, given.arn(resource))
		}
		made = append(made, map[string]any{"Effect": "Allow", "Action": anyOf(strings.Fields(s.actions)), "Resource": single(resources)})
	}
	return map[string]any{"Statement": made}
}

var parameter = regexp.MustCompile(`\$\{(\w+)\}`)

// arn completes an ARN, and gives its parameters their values.
func (p *properties) arn(text string) any {
	if text == "*" {
		return text
	}
	values := map[string]any{}
	text = parameter.ReplaceAllStringFunc(text, func(variable string) string {
		name := parameter.FindStringSubmatch(variable)[1]
		short := strings.ToLower(name[:1]) + name[1:]
		values[short] = p.require(name)
		return "${" + short + "}"
	})
	if !strings.HasPrefix(text, "$") {
		text = "arn:${AWS::Partition}:" + strings.ReplaceAll(text, "@", "${AWS::Region}:${AWS::AccountId}")
	}
	if len(values) == 0 {
		return sub(text)
	}
	return map[string]any{"Fn::Sub": []any{text, values}}
}

func anyOf(list []string) []any {
	var result []any
	for item := range slices.Values(list) {
		result = append(result, item)
	}
	return result
}

// single is the only member of a list, or the list.
func single(list []any) any {
	if len(list) == 1 {
		return list[0]
	}
	return list
}
