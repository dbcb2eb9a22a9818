'use strict';

// A Stage: the stacks are in a nested assembly, their names carry the stage.
const { App, Stack, Stage, CfnOutput } = require('aws-cdk-lib');
const { Topic } = require('aws-cdk-lib/aws-sns');
const { Queue } = require('aws-cdk-lib/aws-sqs');

class ShopStage extends Stage {
  constructor(scope, id, props) {
    super(scope, id, props);
    const base = new Stack(this, 'BaseStack');
    const topic = new Topic(base, 'Events');
    const edge = new Stack(this, 'EdgeStack');
    new Queue(edge, 'Inbox');
    new CfnOutput(edge, 'Topic', { value: topic.topicArn });
  }
}

const env = { account: process.env.CDK_DEFAULT_ACCOUNT, region: process.env.CDK_DEFAULT_REGION };
const app = new App();
new ShopStage(app, 'Prod', { env });
