const { CfnOutput, CfnParameter, Duration, RemovalPolicy, Stack } = require('aws-cdk-lib');
const { Bucket } = require('aws-cdk-lib/aws-s3');
const { Queue } = require('aws-cdk-lib/aws-sqs');
const { StringParameter } = require('aws-cdk-lib/aws-ssm');

class OrdersStack extends Stack {
  constructor(scope, id, { retentionDays, keepData, ...props }) {
    super(scope, id, props);
    const level = new CfnParameter(this, 'LogLevel', { default: 'info', allowedValues: ['debug', 'info', 'warn'] });
    const queue = new Queue(this, 'Orders', { retentionPeriod: Duration.days(retentionDays) });
    new Bucket(this, 'Receipts', { removalPolicy: keepData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY });
    new StringParameter(this, 'Level', { parameterName: '/orders/log-level', stringValue: level.valueAsString });
    new CfnOutput(this, 'QueueUrl', { value: queue.queueUrl });
    new CfnOutput(this, 'LogLevelInUse', { value: level.valueAsString });
  }
}

module.exports = { OrdersStack };
