'use strict';

// The bucket for the assets of one stack is made by the other one; the bootstrap's roles may not use it.
const cdk = require('aws-cdk-lib'); const s3 = require('aws-cdk-lib/aws-s3'); const lambda = require('aws-cdk-lib/aws-lambda');
const app = new cdk.App(); const env = { account: '111111111111', region: 'eu-west-1' };
const a = new cdk.Stack(app, 'Buckets', { env }); new s3.Bucket(a, 'B', { bucketName: 'my-own-assets-111111111111' });
const b = new cdk.Stack(app, 'User', { env, synthesizer: new cdk.DefaultStackSynthesizer({ fileAssetsBucketName: 'my-own-assets-111111111111', fileAssetPublishingRoleArn: '', deployRoleArn: '' }) });
b.addDependency(a);
new lambda.Function(b, 'Fn', { runtime: lambda.Runtime.NODEJS_22_X, handler: 'index.handler', code: lambda.Code.fromAsset(__dirname + '/code') });
