const { App, CfnOutput, Fn, Stack } = require('aws-cdk-lib');
const { Topic } = require('aws-cdk-lib/aws-sns');
const { SqsSubscription } = require('aws-cdk-lib/aws-sns-subscriptions');
const { Queue } = require('aws-cdk-lib/aws-sqs');

const app = new App();
const stack = new Stack(app, 'BillingStack');
const queue = new Queue(stack, 'Invoices');
Topic.fromTopicArn(stack, 'Orders', Fn.importValue('orders-topic')).addSubscription(new SqsSubscription(queue));
new CfnOutput(stack, 'QueueUrl', { value: queue.queueUrl });
