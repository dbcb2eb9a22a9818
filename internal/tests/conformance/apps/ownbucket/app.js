'use strict';

// The bucket for the assets of one stack, and the role that publishes them, are made by the other one, as by app-staging-synthesizer-alpha.
const cdk = require('aws-cdk-lib'); const iam = require('aws-cdk-lib/aws-iam'); const s3 = require('aws-cdk-lib/aws-s3'); const lambda = require('aws-cdk-lib/aws-lambda');
const app = new cdk.App(); const env = { account: '111111111111', region: 'eu-west-1' };
const a = new cdk.Stack(app, 'Buckets', { env }); const bucket = new s3.Bucket(a, 'B', { bucketName: 'my-own-assets-111111111111' });
bucket.grantReadWrite(new iam.Role(a, 'Publisher', { roleName: 'my-own-publisher', assumedBy: new iam.AccountRootPrincipal() }));
const b = new cdk.Stack(app, 'User', { env, synthesizer: new cdk.DefaultStackSynthesizer({ fileAssetsBucketName: 'my-own-assets-111111111111', fileAssetPublishingRoleArn: 'arn:${AWS::Partition}:iam::111111111111:role/my-own-publisher', deployRoleArn: '' }) });
b.addDependency(a);
new lambda.Function(b, 'Fn', { runtime: lambda.Runtime.NODEJS_22_X, handler: 'index.handler', code: lambda.Code.fromAsset(__dirname + '/code') });
