'use strict';

// Stacks that name neither account nor region, one reading the other by an export.
const { App, CfnOutput, Fn, Stack } = require('aws-cdk-lib');
const { Queue } = require('aws-cdk-lib/aws-sqs');
const { StringParameter } = require('aws-cdk-lib/aws-ssm');

const app = new App();
const first = new Stack(app, 'AgnosticStack');
const queue = new Queue(first, 'Inbox');
new CfnOutput(first, 'InboxArn', { value: queue.queueArn, exportName: 'shop-inbox' });
const second = new Stack(app, 'ReadingStack');
second.addStackDependency(first);
new StringParameter(second, 'Copy', { stringValue: Fn.importValue('shop-inbox') });
