const { App } = require('aws-cdk-lib');
const { OrdersStack } = require('../lib/orders-stack');

const app = new App();
// The pipeline passes the context and the account of each environment; the name of the stack is the same in all.
new OrdersStack(app, 'OrdersStack', {
  env: { account: process.env.CDK_DEFAULT_ACCOUNT, region: process.env.CDK_DEFAULT_REGION },
  retentionDays: app.node.tryGetContext('retentionDays') ?? 1,
  keepData: app.node.tryGetContext('keepData') ?? false,
});
