const { App, CfnOutput, Fn, Stack } = require('aws-cdk-lib');
const { StringParameter } = require('aws-cdk-lib/aws-ssm');

const app = new App();
const stack = new Stack(app, 'OrdersStack');
new StringParameter(stack, 'Publishes', { stringValue: Fn.importValue('orders-topic') });
new CfnOutput(stack, 'PublishesTo', { value: Fn.importValue('orders-topic') });
