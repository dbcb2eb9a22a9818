const { App } = require('aws-cdk-lib');
const { NotesStack } = require('../lib/notes-stack');

const app = new App();
new NotesStack(app, 'NotesStack', {
  env: { account: process.env.CDK_DEFAULT_ACCOUNT, region: process.env.CDK_DEFAULT_REGION },
});
