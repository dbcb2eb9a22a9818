package kinds

var messaging = map[string]kind{
	"AWS::SQS::Queue": {
		name: "QueueName", id: "https://sqs.{region}.{suffix}/{account}/{name}", tags: true, limit: 80, replace: []string{"FifoQueue"},
		attributes: map[string]string{
			"Arn":       "arn:{partition}:sqs:{region}:{account}:{last}",
			"QueueName": "{last}",
			"QueueUrl":  "{id}",
		},
	},
	"AWS::SQS::QueuePolicy": {required: []string{"PolicyDocument", "Queues"}},
	"AWS::SNS::Topic": {
		name: "TopicName", id: "arn:{partition}:sns:{region}:{account}:{name}", tags: true, replace: []string{"FifoTopic"},
		attributes: map[string]string{"TopicArn": "{id}", "TopicName": "{last}"},
	},
	"AWS::SNS::Subscription": {
		id: "{prop.TopicArn}:{uuid}", replace: []string{"Endpoint", "Protocol", "TopicArn"}, required: []string{"Protocol", "TopicArn"},
		attributes: map[string]string{"Arn": "{id}"},
	},
	"AWS::SNS::TopicPolicy": {required: []string{"PolicyDocument", "Topics"}},
	"AWS::Events::Rule": {
		name: "Name", limit: 64, replace: []string{"EventBusName"},
		attributes: map[string]string{"Arn": "arn:{partition}:events:{region}:{account}:rule/{id}"},
	},
	"AWS::Events::EventBus": {
		name: "Name", tags: true, required: []string{"Name"},
		attributes: map[string]string{"Arn": "arn:{partition}:events:{region}:{account}:event-bus/{id}", "Name": "{id}"},
	},
	"AWS::Scheduler::Schedule": {
		name: "Name", limit: 64, replace: []string{"GroupName"}, required: []string{"FlexibleTimeWindow", "ScheduleExpression", "Target"},
		attributes: map[string]string{"Arn": "arn:{partition}:scheduler:{region}:{account}:schedule/default/{id}"},
	},
	"AWS::Kinesis::Stream": {
		name: "Name", tags: true,
		attributes: map[string]string{"Arn": "arn:{partition}:kinesis:{region}:{account}:stream/{id}"},
	},
	"AWS::KinesisFirehose::DeliveryStream": {
		name: "DeliveryStreamName", tags: true, limit: 64, replace: []string{"DeliveryStreamType"},
		attributes: map[string]string{"Arn": "arn:{partition}:firehose:{region}:{account}:deliverystream/{id}"},
	},
	"AWS::StepFunctions::StateMachine": {
		name: "StateMachineName", id: "arn:{partition}:states:{region}:{account}:stateMachine:{name}", tags: true, limit: 80,
		replace: []string{"StateMachineType"}, required: []string{"RoleArn"},
		attributes: map[string]string{"Arn": "{id}", "Name": "{last}"},
	},
	"AWS::StepFunctions::Activity": {
		name: "Name", id: "arn:{partition}:states:{region}:{account}:activity:{name}", tags: true, required: []string{"Name"},
		attributes: map[string]string{"Arn": "{id}", "Name": "{last}"},
	},
}
