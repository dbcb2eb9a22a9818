const { App } = require('aws-cdk-lib');
const { StoreStack } = require('../lib/store-stack');

const app = new App();
new StoreStack(app, 'StoreStack', {
  env: { account: process.env.CDK_DEFAULT_ACCOUNT, region: process.env.CDK_DEFAULT_REGION },
});
