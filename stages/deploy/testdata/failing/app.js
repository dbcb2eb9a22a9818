// A CDK app whose stacks fail, each in its way, once the file shape says "after".
const fs = require('fs');
const cdk = require('aws-cdk-lib');
const ecr = require('aws-cdk-lib/aws-ecr');
const ecs = require('aws-cdk-lib/aws-ecs');
const s3 = require('aws-cdk-lib/aws-s3');
const sns = require('aws-cdk-lib/aws-sns');
const sqs = require('aws-cdk-lib/aws-sqs');

const app = new cdk.App({ analyticsReporting: false });
const env = { account: process.env.CDK_DEFAULT_ACCOUNT, region: process.env.CDK_DEFAULT_REGION };
const after = fs.existsSync('shape') && fs.readFileSync('shape', 'utf8') === 'after';
const stack = (name) => new cdk.Stack(app, name, { env });

const stores = stack('Stores'); // it loses its bucket and its repository
new sns.Topic(stores, 'Events');
if (!after) {
  new s3.Bucket(stores, 'Uploads', { bucketName: 'uploads', removalPolicy: cdk.RemovalPolicy.DESTROY });
  new ecr.Repository(stores, 'Images', { repositoryName: 'images', removalPolicy: cdk.RemovalPolicy.DESTROY });
}

const recorder = (scope, id) => new cdk.CfnResource(scope, id, { type: 'AWS::Config::ConfigurationRecorder', properties: { RoleARN: 'arn:aws:iam::111111111111:role/config' } });
const owner = stack('Owner'); // what others have too
new sqs.Queue(owner, 'Orders', { queueName: 'orders' });
recorder(owner, 'Recorder');
const shared = new sns.Topic(owner, 'Shared', { topicName: 'shared' });

const importer = stack('Importer');
if (!after) new cdk.CfnOutput(owner, 'Topic', { value: shared.topicName, exportName: 'shared-topic' });
new sns.Topic(importer, 'Reader', { displayName: cdk.Fn.importValue('shared-topic') });

const property = stack('Property');
new cdk.CfnResource(property, 'Bare', { type: 'AWS::Lambda::Function', properties: { Code: { ZipFile: 'x' }, Role: 'r', Environment: { Variable: {} } } });

new sqs.Queue(stack('Name'), 'Taken', { queueName: 'orders' });
recorder(stack('Recorder'), 'Second');

const addresses = stack('Addresses');
for (const id of ['One', 'Two']) new cdk.CfnResource(addresses, id, { type: 'AWS::EC2::EIP' });

new cdk.CfnResource(stack('Guarded'), 'Table', { type: 'AWS::DynamoDB::Table', properties: { KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }], AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }], BillingMode: 'PAY_PER_REQUEST' } });
new cdk.CfnResource(stack('Inspected'), 'Stream', { type: 'AWS::Kinesis::Stream', properties: { ShardCount: 1 } });

const custom = stack('Custom');
const migrate = new cdk.CfnResource(custom, 'Function', { type: 'AWS::Lambda::Function', properties: { FunctionName: 'migrate', Code: { ZipFile: 'x' }, Role: 'arn:aws:iam::111111111111:role/migrate', Handler: 'index.handler', Runtime: 'nodejs22.x' } });
new cdk.CustomResource(custom, 'Migration', { resourceType: 'Custom::Migration', serviceToken: migrate.getAtt('Arn').toString() });

const service = stack('Service');
const cluster = new ecs.CfnCluster(service, 'Cluster', { clusterName: 'shop' });
const tasks = new ecs.CfnTaskDefinition(service, 'Tasks', { family: 'web', containerDefinitions: [{ name: 'web', image: 'nginx' }] });
cluster.addDependency(tasks); // one after the other
new ecs.CfnService(service, 'Web', { cluster: cluster.ref, serviceName: 'web', taskDefinition: tasks.ref, desiredCount: 1 });

new sqs.Queue(stack('Denied'), 'Queue', { queueName: 'denied' });
new cdk.CfnResource(stack('Network'), 'Vpc', { type: 'AWS::EC2::VPC', properties: { CidrBlock: '10.0.0.0/16' } });
