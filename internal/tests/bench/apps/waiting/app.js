'use strict';

// Twenty-four stacks that have nothing to do with each other. The name of each one's resource says how many
// milliseconds the simulator takes for it: from 8 to 20 seconds, spread so that polls at any pace meet any phase.
const { App, Stack } = require('aws-cdk-lib');
const { StringParameter } = require('aws-cdk-lib/aws-ssm');

const env = { account: process.env.CDK_DEFAULT_ACCOUNT, region: process.env.CDK_DEFAULT_REGION };
const app = new App();
const stackCount = 24;
for (let i = 0; i < stackCount; i++) {
  const stack = new Stack(app, `Waiting${String(i).padStart(2, '0')}`, { env, analyticsReporting: false });
  const milliseconds = 8000 + ((i * 7919) % 12007);
  new StringParameter(stack, `Takes${milliseconds}Ms`, { stringValue: `stack ${i}` });
}
