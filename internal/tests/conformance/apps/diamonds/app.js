'use strict';

// Forty stacks in diamonds: one begins, thirty-eight stand in pairs of layers, one ends.
const { App, Stack } = require('aws-cdk-lib');
const { StringParameter } = require('aws-cdk-lib/aws-ssm');

const env = { account: process.env.CDK_DEFAULT_ACCOUNT, region: process.env.CDK_DEFAULT_REGION };
const app = new App();
const stackCount = 40;
const layerSize = 8;
const stacks = [];
for (let i = 0; i < stackCount; i++) {
  const stack = new Stack(app, `Diamond${String(i).padStart(2, '0')}`, { env });
  new StringParameter(stack, 'Own', { stringValue: `stack ${i}` });
  const layer = Math.ceil(i / layerSize);
  for (let j = 0; j < i; j++) {
    const before = Math.ceil(j / layerSize);
    if (before === layer - 1) stack.addStackDependency(stacks[j]);
  }
  stacks.push(stack);
}
