'use strict';

// Two stacks that publish no template and name no roles, one too large to be sent inline; cdk.json says the rest.
const { App, LegacyStackSynthesizer, CfnOutput, Stack } = require('aws-cdk-lib');
const { StringParameter } = require('aws-cdk-lib/aws-ssm');

const env = { account: process.env.CDK_DEFAULT_ACCOUNT, region: process.env.CDK_DEFAULT_REGION };
const app = new App();
const large = new Stack(app, 'LegacyLarge', { env, synthesizer: new LegacyStackSynthesizer(), tags: { of: 'the stack' } });
for (let i = 0; i < 60; i++) {
  new StringParameter(large, `Setting${i}`, { stringValue: `${app.node.tryGetContext('word')} ${i} `.repeat(200) });
}
new CfnOutput(large, 'Count', { value: '60' });
new Stack(app, 'Empty', { env, synthesizer: new LegacyStackSynthesizer(), analyticsReporting: false });
