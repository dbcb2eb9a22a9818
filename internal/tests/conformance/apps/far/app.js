'use strict';

// A stack in another account than that of the credentials: everything goes through the bootstrap's roles.
const { App, CfnOutput, Stack } = require('aws-cdk-lib');
const { Asset } = require('aws-cdk-lib/aws-s3-assets');
const { Queue } = require('aws-cdk-lib/aws-sqs');

const app = new App();
const stack = new Stack(app, 'FarStack', { env: { account: '222222222222', region: 'eu-central-1' } });
const asset = new Asset(stack, 'Readme', { path: __filename });
const queue = new Queue(stack, 'Inbox');
new CfnOutput(stack, 'Key', { value: asset.s3ObjectKey });
new CfnOutput(stack, 'InboxArn', { value: queue.queueArn });
