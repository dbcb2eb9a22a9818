const { App } = require('aws-cdk-lib');
const { LakeStack } = require('../lib/lake-stack');
const { TransformStack } = require('../lib/transform-stack');

const app = new App();
const env = { account: process.env.CDK_DEFAULT_ACCOUNT, region: process.env.CDK_DEFAULT_REGION };
const lake = new LakeStack(app, 'LakeStack', { env });
new TransformStack(app, 'TransformStack', { env, raw: lake.raw, curated: lake.curated });
