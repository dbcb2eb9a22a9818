// A CDK app with something of everything that an assembly can hold.
const cdk = require('aws-cdk-lib');
const assets = require('aws-cdk-lib/aws-s3-assets');
const ecr = require('aws-cdk-lib/aws-ecr-assets');
const sns = require('aws-cdk-lib/aws-sns');

const app = new cdk.App({ analyticsReporting: false });
const env = { account: process.env.CDK_DEFAULT_ACCOUNT, region: process.env.CDK_DEFAULT_REGION };

class Data extends cdk.Stack {
  constructor(scope, id, props) {
    super(scope, id, props);
    this.topic = new sns.Topic(this, 'Orders');
    new cdk.CfnParameter(this, 'Size', { default: '3' });
  }
}

class Web extends cdk.Stack {
  constructor(scope, id, props) {
    super(scope, id, props);
    new assets.Asset(this, 'Code', { path: 'lambda' });
    new assets.Asset(this, 'Note', { path: 'note.txt' });
    if (props.image) {
      new ecr.DockerImageAsset(this, 'Image', { directory: 'image', buildArgs: { COLOR: 'blue' }, platform: ecr.Platform.LINUX_AMD64 });
    }
    const jobs = new cdk.NestedStack(this, 'Jobs');
    new sns.Topic(jobs, 'Done');
    new cdk.CfnOutput(this, 'Orders', { value: props.topic.topicArn });
    cdk.Annotations.of(this).addWarningV2('shop:note', 'the note is short');
  }
}

const data = new Data(app, 'Data', {
  env, terminationProtection: true, tags: { team: 'shop', tier: 'data' },
  notificationArns: ['arn:aws:sns:eu-west-1:111111111111:events'],
});
new Web(app, 'Web', { env, topic: data.topic, image: true });

const prod = new cdk.Stage(app, 'Prod', { env: { account: '222222222222', region: 'eu-central-1' } });
const prodData = new Data(prod, 'Data', { stackName: 'prod-data' });
new Web(prod, 'Web', { topic: prodData.topic, image: false });

const anywhere = new cdk.Stack(app, 'Anywhere', {
  synthesizer: new cdk.DefaultStackSynthesizer({ qualifier: 'shop', deployRoleExternalId: 'secret-word', deployRoleAdditionalOptions: { Tags: [{ Key: 'team', Value: 'shop' }] } }),
});
new sns.Topic(anywhere, 'Orders');
