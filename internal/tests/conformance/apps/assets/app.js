'use strict';

// Two hundred file assets of 100 KiB.
const fs = require('node:fs');
const path = require('node:path');
const { App, Stack } = require('aws-cdk-lib');
const { Asset } = require('aws-cdk-lib/aws-s3-assets');
const { StringParameter } = require('aws-cdk-lib/aws-ssm');

const assetCount = 200;
const assetBytes = 100 * 1024;
const folder = path.join(__dirname, 'files');
fs.mkdirSync(folder, { recursive: true });

// content is incompressible and the same every time: a linear congruential generator.
function content(seed) {
  const bytes = Buffer.alloc(assetBytes);
  let state = seed + 1;
  for (let i = 0; i < bytes.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

const env = { account: process.env.CDK_DEFAULT_ACCOUNT, region: process.env.CDK_DEFAULT_REGION };
const app = new App();
const stack = new Stack(app, 'AssetStack', { env });
for (let i = 0; i < assetCount; i++) {
  const file = path.join(folder, `file-${i}.bin`);
  if (!fs.existsSync(file)) fs.writeFileSync(file, content(i));
  new Asset(stack, `File${i}`, { path: file });
}
new StringParameter(stack, 'Count', { stringValue: String(assetCount) });
