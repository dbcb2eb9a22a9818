'use strict';

// Stack tags, a description, notification ARNs and termination protection.
const { App, Stack, Tags } = require('aws-cdk-lib');
const { Topic } = require('aws-cdk-lib/aws-sns');

const account = process.env.CDK_DEFAULT_ACCOUNT;
const region = process.env.CDK_DEFAULT_REGION;
const app = new App();
Tags.of(app).add('owner', 'shop & friends');
const stack = new Stack(app, 'TaggedStack', {
  env: { account, region },
  description: 'A stack with everything around it',
  tags: { stage: 'test', 'cost:center': '42' },
  notificationArns: [`arn:aws:sns:${region}:${account}:stack-events`],
  terminationProtection: true,
});
new Topic(stack, 'Events');
