'use strict';

// A template above the 51,200 bytes that CloudFormation takes inline.
const { App, Stack } = require('aws-cdk-lib');
const { StringParameter } = require('aws-cdk-lib/aws-ssm');

const env = { account: process.env.CDK_DEFAULT_ACCOUNT, region: process.env.CDK_DEFAULT_REGION };
const app = new App();
const stack = new Stack(app, 'LargeStack', { env });
for (let i = 0; i < 60; i++) {
  new StringParameter(stack, `Setting${i}`, { stringValue: `${i} `.repeat(400) });
}
