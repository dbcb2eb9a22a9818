'use strict';

// References from stack to stack, within a region and across regions: weak ones, which read outputs, and strong ones,
// which across regions are carried by custom resources and SSM parameters.
const { App, CfnOutput, Fn, Stack } = require('aws-cdk-lib');
const { StringParameter } = require('aws-cdk-lib/aws-ssm');
const { Topic } = require('aws-cdk-lib/aws-sns');

const here = { account: '111111111111', region: 'eu-west-1' };
const far = { account: '111111111111', region: 'us-east-1' };

const app = new App();
const producer = new Stack(app, 'Producer', { env: here, crossRegionReferences: true });
const topic = new Topic(producer, 'Topic');
new CfnOutput(producer, 'Arn', { value: topic.topicArn });
new CfnOutput(producer, 'Names', { value: Fn.join('||', ['a', 'b', 'c']) });

const near = new Stack(app, 'NearReader', { env: here });
near.addDependency(producer);
new StringParameter(near, 'Topic', { stringValue: Fn.getStackOutput('Producer', 'Arn') });
new CfnOutput(near, 'Second', { value: Fn.select(1, Fn.split('||', Fn.getStackOutput('Producer', 'Names'))) });

const distant = new Stack(app, 'FarReader', { env: far });
distant.addDependency(producer);
new StringParameter(distant, 'Topic', { stringValue: Fn.getStackOutput('Producer', 'Arn', 'eu-west-1') });

const importer = new Stack(app, 'FarImporter', { env: far, crossRegionReferences: true });
new StringParameter(importer, 'Topic', { stringValue: topic.topicArn });
