'use strict';

// What apps write of AWS::Serverless: resources of aws-sam, and a template that is included.
const { App, CfnOutput, Stack } = require('aws-cdk-lib');
const { CfnInclude } = require('aws-cdk-lib/cloudformation-include');
const { Asset } = require('aws-cdk-lib/aws-s3-assets');
const { Queue } = require('aws-cdk-lib/aws-sqs');
const sam = require('aws-cdk-lib/aws-sam');

const env = { account: process.env.CDK_DEFAULT_ACCOUNT, region: process.env.CDK_DEFAULT_REGION };
const app = new App();
const stack = new Stack(app, 'ServerlessStack', { env });
const code = new Asset(stack, 'Code', { path: 'code' });
const api = new sam.CfnApi(stack, 'Api', { stageName: 'prod', endpointConfiguration: 'REGIONAL', tracingEnabled: true });
const jobs = new Queue(stack, 'Jobs');
const table = new sam.CfnSimpleTable(stack, 'Table', { primaryKey: { name: 'id', type: 'String' }, sseSpecification: { sseEnabled: true } });
const handler = new sam.CfnFunction(stack, 'Handler', {
  codeUri: { bucket: code.s3BucketName, key: code.s3ObjectKey },
  handler: 'index.handler',
  runtime: 'nodejs24.x',
  autoPublishAlias: 'live',
  events: {
    Item: { type: 'Api', properties: { path: '/items/{id}', method: 'GET', restApiId: api.ref } },
    Jobs: { type: 'SQS', properties: { queue: jobs.queueArn, batchSize: 5 } },
    Daily: { type: 'Schedule', properties: { schedule: 'rate(1 day)' } },
  },
});
handler.addPropertyOverride('Policies', [{ DynamoDBCrudPolicy: { TableName: table.ref } }]);
new CfnOutput(stack, 'Stage', { value: api.ref });

new CfnInclude(new Stack(app, 'IncludedStack', { env }), 'Template', { templateFile: 'template.yaml' });
