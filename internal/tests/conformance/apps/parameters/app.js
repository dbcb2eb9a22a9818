'use strict';

// Template parameters with defaults, one of them read from SSM, and a rule.
const { App, CfnCondition, CfnOutput, CfnParameter, Fn, Stack } = require('aws-cdk-lib');
const { StringParameter } = require('aws-cdk-lib/aws-ssm');
const { Queue } = require('aws-cdk-lib/aws-sqs');

const env = { account: process.env.CDK_DEFAULT_ACCOUNT, region: process.env.CDK_DEFAULT_REGION };
const app = new App();
const stack = new Stack(app, 'ParameterStack', { env });
const size = new CfnParameter(stack, 'Size', { default: 'small', allowedValues: ['small', 'large'] });
const version = StringParameter.valueForStringParameter(stack, '/cdk-bootstrap/hnb659fds/version');
const large = new CfnCondition(stack, 'Large', { expression: Fn.conditionEquals(size.valueAsString, 'large') });
const queue = new Queue(stack, 'Inbox');
queue.node.defaultChild.cfnOptions.condition = large;
new StringParameter(stack, 'Seen', { stringValue: Fn.join('-', [size.valueAsString, version]) });
new CfnOutput(stack, 'BootstrapVersion', { value: version });
