// A CDK app of three stacks, one of them in another region; the file shape beside it changes what it defines.
const fs = require('fs');
const cdk = require('aws-cdk-lib');
const assets = require('aws-cdk-lib/aws-s3-assets');
const sns = require('aws-cdk-lib/aws-sns');
const sqs = require('aws-cdk-lib/aws-sqs');

const app = new cdk.App({ analyticsReporting: false });
const env = { account: process.env.CDK_DEFAULT_ACCOUNT, region: process.env.CDK_DEFAULT_REGION };
const shape = fs.existsSync('shape') ? fs.readFileSync('shape', 'utf8') : '';

const own = shape === 'own deploy role' ? new cdk.DefaultStackSynthesizer({ deployRoleArn: 'arn:${AWS::Partition}:iam::${AWS::AccountId}:role/MyDeployRole' }) : undefined;
const data = new cdk.Stack(app, 'Data', { env, synthesizer: own, terminationProtection: shape === 'protected', tags: { environment: process.env.ENVIRONMENT_NAME } });
const orders = new sqs.Queue(data, 'Orders', { visibilityTimeout: cdk.Duration.seconds(shape === 'changed' ? 60 : 30) });
new cdk.CfnOutput(data, 'OrdersName', { value: orders.queueName, description: 'name of the queue' });

const late = shape === 'late role' ? new cdk.DefaultStackSynthesizer({ fileAssetPublishingRoleArn: 'arn:${AWS::Partition}:iam::${AWS::AccountId}:role/publisher' }) : undefined;
const api = new cdk.Stack(app, 'Api', { env, synthesizer: late });
if (late) {
  const iam = require('aws-cdk-lib/aws-iam');
  new iam.Role(data, 'Publisher', { roleName: 'publisher', assumedBy: new iam.AccountRootPrincipal() })
    .addToPolicy(new iam.PolicyStatement({ actions: ['s3:*'], resources: ['*'] }));
}
const code = new assets.Asset(api, 'Code', { path: 'code' });
const topic = new sns.Topic(api, 'Topic', { displayName: orders.queueName });
new cdk.CfnOutput(api, 'CodeKey', { value: code.s3ObjectKey });
const jobs = new cdk.NestedStack(api, 'Jobs');
new sqs.Queue(jobs, 'Later');
new cdk.CfnOutput(api, 'TopicArn', { value: topic.topicArn });
if (shape === 'warning') cdk.Annotations.of(api).addWarning('look here');
if (shape === 'error') cdk.Annotations.of(api).addError('this is wrong');
if (shape === 'invalid') {
  new cdk.CfnResource(api, 'Bad', { type: 'AWS::SQS::Queue', properties: { DelaySeconds: 1000 } });
}

const edge = new cdk.Stack(app, 'Edge', { env: { ...env, region: 'us-east-1' } });
new sns.Topic(edge, 'Alarms');
new cdk.CfnOutput(edge, 'Region', { value: edge.region });

if (shape.startsWith('refused')) {
  // Data has a queue of the name that Api gives another one, by itself or in its nested stack.
  data.node.findChild('Orders').node.defaultChild.queueName = 'orders';
  const place = shape === 'refused nested' ? jobs : api;
  new sqs.Queue(place, 'Taken', { queueName: 'orders' });
  new cdk.CfnResource(place, 'Bare', { type: 'AWS::Lambda::Function', properties: { Code: { ZipFile: 'x' }, Role: 'r', Environment: { Variable: {} } } });
}

if (shape === 'named') {
  new cdk.CfnResource(data, 'Size', { type: 'AWS::SSM::Parameter', properties: { Name: '/size', Type: 'String', Value: 'large' } })
    .applyRemovalPolicy(cdk.RemovalPolicy.RETAIN);
}

if (shape === 'large') {
  for (let i = 0; i < 400; i++) new sns.Topic(edge, 'T' + i, { displayName: 'x'.repeat(100) });
}

if (shape === 'image') {
  // The synthesis is slow, and the validation more so.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, process.env.CDK_VALIDATION === 'false' ? 1200 : 8000);
  new (require('aws-cdk-lib/aws-ecr-assets').DockerImageAsset)(api, 'Image', { directory: 'image' });
}

if (shape === 'broader') {
  const iam = require('aws-cdk-lib/aws-iam');
  const role = new iam.Role(edge, 'Reader', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
  role.addToPolicy(new iam.PolicyStatement({ actions: ['s3:GetObject'], resources: ['*'] }));
}

if (shape === 'staged') {
  const stage = new cdk.Stage(app, 'Dev', { env });
  const store = new cdk.Stack(stage, 'Store');
  const items = new sqs.Queue(store, 'Items');
  const web = new cdk.Stack(stage, 'Web');
  const site = new sns.Topic(web, 'Site', { displayName: items.queueName });
  new cdk.CfnOutput(web, 'SiteUrl', { value: site.topicName });
}

if (shape.startsWith('tables')) {
  // Tables of the app and of its nested stack, which "tables moved" replaces, and buckets, which it removes.
  const moved = shape === 'tables moved';
  const table = (scope, id) => new cdk.CfnResource(scope, id, { type: 'AWS::DynamoDB::Table', properties: {
    TableName: `${id}-${moved ? 'two' : 'one'}`, BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }], KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
  } });
  const own = table(data, 'Table');
  table(jobs, 'InnerTable');
  new sns.Topic(data, 'Named', { displayName: 'x', topicName: cdk.Fn.join('-', ['topic', own.ref]) });
  if (!moved) {
    new cdk.CfnResource(data, 'Kept', { type: 'AWS::S3::Bucket' }).applyRemovalPolicy(cdk.RemovalPolicy.RETAIN);
    new cdk.CfnResource(data, 'Gone', { type: 'AWS::S3::Bucket' });
  } else {
    const iam = require('aws-cdk-lib/aws-iam');
    new iam.Role(edge, 'Reader', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
  }
}
