// A CDK app that asks for context and reports an error.
const cdk = require('aws-cdk-lib');
const ec2 = require('aws-cdk-lib/aws-ec2');
const app = new cdk.App({ analyticsReporting: false });
const stack = new cdk.Stack(app, 'Net', { env: { account: '111111111111', region: 'eu-west-1' } });
ec2.Vpc.fromLookup(stack, 'Vpc', { vpcName: 'main' });
cdk.Annotations.of(stack).addError('the network needs an owner');
cdk.Annotations.of(stack).addInfo('for your information');
