package kinds

var messaging = map[string]kind{
	"AWS::SQS::Queue": {
		id: "https://sqs.{region}.{suffix}/{account}/{name}", limit: 80,
		names: []nameRule{{`[A-Za-z0-9_-]{1,80}|[A-Za-z0-9_-]{1,75}\.fifo`, queueRule}},
		attributes: map[string]string{
			"Arn":       "arn:{partition}:sqs:{region}:{account}:{last}",
			"QueueName": "{last}",
			"QueueUrl":  "{id}",
		},
	},
	"AWS::SNS::Topic": {
		id: "arn:{partition}:sns:{region}:{account}:{name}", limit: 256,
		names:      []nameRule{{`[A-Za-z0-9_-]{1,256}|[A-Za-z0-9_-]{1,251}\.fifo`, "Invalid parameter: Topic Name"}},
		attributes: map[string]string{"TopicArn": "{id}", "TopicName": "{last}"},
	},
	"AWS::SNS::Subscription": {
		id:         "{prop.TopicArn}:{uuid}",
		attributes: map[string]string{"Arn": "{id}"},
	},
	"AWS::Events::Rule": {
		limit: 64, names: member("name", 1, 64, `[\.\-_A-Za-z0-9]+`),
		attributes: map[string]string{"Arn": "arn:{partition}:events:{region}:{account}:rule/{id}"},
	},
	"AWS::Events::EventBus": {
		names:      member("name", 1, 256, `[/\.\-_A-Za-z0-9]+`),
		attributes: map[string]string{"Arn": "arn:{partition}:events:{region}:{account}:event-bus/{id}", "Name": "{id}"},
	},
	"AWS::Scheduler::Schedule": {
		limit: 64, names: member("name", 1, 64, `[0-9a-zA-Z-_.]+`),
		attributes: map[string]string{"Arn": "arn:{partition}:scheduler:{region}:{account}:schedule/default/{id}"},
	},
	"AWS::Kinesis::Stream": {
		names:      member("streamName", 1, 128, `[a-zA-Z0-9_.-]+`),
		attributes: map[string]string{"Arn": "arn:{partition}:kinesis:{region}:{account}:stream/{id}"},
	},
	"AWS::KinesisFirehose::DeliveryStream": {
		limit: 64, names: member("deliveryStreamName", 1, 64, `[a-zA-Z0-9_.-]+`),
		attributes: map[string]string{"Arn": "arn:{partition}:firehose:{region}:{account}:deliverystream/{id}"},
	},
	"AWS::StepFunctions::StateMachine": {
		id: "arn:{partition}:states:{region}:{account}:stateMachine:{name}", limit: 80, names: machineName,
		attributes: map[string]string{"Arn": "{id}", "Name": "{last}"},
	},
	"AWS::StepFunctions::Activity": {
		id: "arn:{partition}:states:{region}:{account}:activity:{name}", limit: 80, names: machineName,
		attributes: map[string]string{"Arn": "{id}", "Name": "{last}"},
	},
	"AWS::AmazonMQ::Broker": {
		id: "b-{uuid}", limit: 50,
		attributes: map[string]string{
			"AmqpEndpoints":     "amqp+ssl://{id}-1.mq.{region}.{suffix}:5671",
			"MqttEndpoints":     "mqtt+ssl://{id}-1.mq.{region}.{suffix}:8883",
			"OpenWireEndpoints": "ssl://{id}-1.mq.{region}.{suffix}:61617",
			"StompEndpoints":    "stomp+ssl://{id}-1.mq.{region}.{suffix}:61614",
			"WssEndpoints":      "wss://{id}-1.mq.{region}.{suffix}:61619",
			"ConsoleURLs":       "https://{id}-1.mq.{region}.{suffix}:8162",
			"IpAddresses":       "10.0.0.{dig2}",
		},
	},
}
