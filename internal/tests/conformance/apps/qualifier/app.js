'use strict';

// A synthesizer with a qualifier of its own.
const { App, DefaultStackSynthesizer, Stack } = require('aws-cdk-lib');
const { Asset } = require('aws-cdk-lib/aws-s3-assets');
const { CfnOutput } = require('aws-cdk-lib');

const env = { account: process.env.CDK_DEFAULT_ACCOUNT, region: process.env.CDK_DEFAULT_REGION };
const app = new App();
const synthesizer = new DefaultStackSynthesizer({ qualifier: 'shop12345' });
const stack = new Stack(app, 'QualifiedStack', { env, synthesizer });
const asset = new Asset(stack, 'Readme', { path: __filename });
new CfnOutput(stack, 'Key', { value: asset.s3ObjectKey });
