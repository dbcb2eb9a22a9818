'use strict';

// A value that must be looked up in the account before the app can be synthesized.
const { App, CfnOutput, Stack } = require('aws-cdk-lib');
const { StringParameter } = require('aws-cdk-lib/aws-ssm');

const env = { account: process.env.CDK_DEFAULT_ACCOUNT, region: process.env.CDK_DEFAULT_REGION };
const app = new App();
const stack = new Stack(app, 'LookupStack', { env });
const version = StringParameter.valueFromLookup(stack, '/cdk-bootstrap/hnb659fds/version');
new CfnOutput(stack, 'Version', { value: version });
new StringParameter(stack, 'Zones', { stringValue: stack.availabilityZones.join(',') });
