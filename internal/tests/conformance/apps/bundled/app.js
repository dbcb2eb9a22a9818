'use strict';

// A directory asset that is bundled while the app is synthesized.
const fs = require('node:fs');
const path = require('node:path');
const { App, DockerImage, Stack } = require('aws-cdk-lib');
const lambda = require('aws-cdk-lib/aws-lambda');

const source = path.join(__dirname, 'source');
const bundling = {
  image: DockerImage.fromRegistry('never-used'),
  local: {
    tryBundle(output) {
      for (const name of fs.readdirSync(source)) {
        const text = fs.readFileSync(path.join(source, name), 'utf8');
        fs.writeFileSync(path.join(output, name), `// bundled\n${text}`);
      }
      return true;
    },
  },
};

const env = { account: process.env.CDK_DEFAULT_ACCOUNT, region: process.env.CDK_DEFAULT_REGION };
const app = new App();
const stack = new Stack(app, 'BundledStack', { env });
new lambda.Function(stack, 'Handler', {
  runtime: lambda.Runtime.NODEJS_20_X,
  handler: 'index.handler',
  code: lambda.Code.fromAsset(source, { bundling }),
});
