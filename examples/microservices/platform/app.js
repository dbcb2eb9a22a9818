const { App, CfnOutput, Stack } = require('aws-cdk-lib');
const { Topic } = require('aws-cdk-lib/aws-sns');

const app = new App();
const stack = new Stack(app, 'EventsStack');
// The services are apps of their own: what they share is an export, whose name is their contract.
new CfnOutput(stack, 'TopicArn', { value: new Topic(stack, 'Orders').topicArn, exportName: 'orders-topic' });
