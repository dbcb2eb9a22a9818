'use strict';

// Nested stacks, two levels deep, with a value handed down and one handed up, and one that
// imports what another exports.
const { App, CfnOutput, Fn, NestedStack, Stack } = require('aws-cdk-lib');
const { Queue } = require('aws-cdk-lib/aws-sqs');
const { StringParameter } = require('aws-cdk-lib/aws-ssm');

class Inner extends NestedStack {
  constructor(scope, id, name) {
    super(scope, id);
    this.parameter = new StringParameter(this, 'Where', { stringValue: name });
  }
}

class Outer extends NestedStack {
  constructor(scope, id) {
    super(scope, id);
    this.queue = new Queue(this, 'Inbox');
    new Inner(this, 'Inner', this.queue.queueArn);
  }
}

class Exporter extends NestedStack {
  constructor(scope, id) {
    super(scope, id);
    const queue = new Queue(this, 'Shared');
    new CfnOutput(this, 'Name', { value: queue.queueName, exportName: 'nested-shared' });
  }
}

class Importer extends NestedStack {
  constructor(scope, id) {
    super(scope, id);
    new StringParameter(this, 'Copy', { stringValue: Fn.importValue('nested-shared') });
  }
}

const env = { account: process.env.CDK_DEFAULT_ACCOUNT, region: process.env.CDK_DEFAULT_REGION };
const app = new App();
const stack = new Stack(app, 'NestedParent', { env });
const outer = new Outer(stack, 'Outer');
new Importer(stack, 'Importer').addDependency(new Exporter(stack, 'Exporter'));
new CfnOutput(stack, 'InboxArn', { value: outer.queue.queueArn });
