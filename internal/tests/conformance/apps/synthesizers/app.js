'use strict';

// One stack for each way in which the CDK lets stacks be deployed.
const cdk = require('aws-cdk-lib'); const sqs = require('aws-cdk-lib/aws-sqs'); const lambda = require('aws-cdk-lib/aws-lambda');
const app = new cdk.App();
const legacy = new cdk.Stack(app, 'LegacySynth', { synthesizer: new cdk.LegacyStackSynthesizer(), env: { account: '111111111111', region: 'eu-west-1' } });
new lambda.Function(legacy, 'Fn', { runtime: lambda.Runtime.NODEJS_22_X, handler: 'index.handler', code: lambda.Code.fromAsset(__dirname + '/code') });
const cli = new cdk.Stack(app, 'CliCredentials', { synthesizer: new cdk.CliCredentialsStackSynthesizer(), env: { account: '111111111111', region: 'eu-west-1' } });
new lambda.Function(cli, 'Fn', { runtime: lambda.Runtime.NODEJS_22_X, handler: 'index.handler', code: lambda.Code.fromAsset(__dirname + '/code') });
const none = new cdk.Stack(app, 'Bootstrapless', { synthesizer: new cdk.BootstraplessSynthesizer(), env: { account: '111111111111', region: 'eu-west-1' } });
new sqs.Queue(none, 'Q');
const noversion = new cdk.Stack(app, 'NoVersionRule', { synthesizer: new cdk.DefaultStackSynthesizer({ generateBootstrapVersionRule: false, bucketPrefix: 'some/prefix/', dockerTagPrefix: 'tag-' }), env: { account: '111111111111', region: 'eu-west-1' } });
new lambda.Function(noversion, 'Fn', { runtime: lambda.Runtime.NODEJS_22_X, handler: 'index.handler', code: lambda.Code.fromAsset(__dirname + '/code') });
const noassume = new cdk.Stack(app, 'NoRoles', { synthesizer: new cdk.DefaultStackSynthesizer({ deployRoleArn: '', fileAssetPublishingRoleArn: '', imageAssetPublishingRoleArn: '', cloudFormationExecutionRole: '' , lookupRoleArn: ''}), env: { account: '111111111111', region: 'eu-west-1' } });
new lambda.Function(noassume, 'Fn', { runtime: lambda.Runtime.NODEJS_22_X, handler: 'index.handler', code: lambda.Code.fromAsset(__dirname + '/code') });
