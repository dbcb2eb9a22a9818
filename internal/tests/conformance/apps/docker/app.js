'use strict';

// An image asset, built by whatever CDK_DOCKER names.
const path = require('node:path');
const { App, CfnOutput, Stack } = require('aws-cdk-lib');
const { DockerImageAsset, Platform } = require('aws-cdk-lib/aws-ecr-assets');

const env = { account: process.env.CDK_DEFAULT_ACCOUNT, region: process.env.CDK_DEFAULT_REGION };
const app = new App();
const stack = new Stack(app, 'ImageStack', { env });
const image = new DockerImageAsset(stack, 'Worker', {
  directory: path.join(__dirname, 'image'),
  buildArgs: { BASE: 'scratch', GREETING: 'hello world' },
  platform: Platform.LINUX_AMD64,
  target: 'final',
});
new CfnOutput(stack, 'ImageUri', { value: image.imageUri });
