'use strict';

// Writes a cloud assembly by hand, with the one thing wrong that SHAPE names.
const fs = require('node:fs');
const path = require('node:path');

const shape = process.env.SHAPE;
const out = process.env.CDK_OUTDIR;
const write = (name, text) => fs.writeFileSync(path.join(out, name), typeof text === 'string' ? text : JSON.stringify(text));
const template = { Resources: { Topic: { Type: 'AWS::SNS::Topic' } } };
const role = 'arn:${AWS::Partition}:iam::111111111111:role/cdk-hnb659fds-';
const bucket = 'cdk-hnb659fds-assets-111111111111-eu-west-1';
const bootstrap = shape === 'bare' ? {} : { requiresBootstrapStackVersion: 6, bootstrapStackVersionSsmParameter: '/cdk-bootstrap/hnb659fds/version' };
const stack = (name, dependencies) => ({
  type: 'aws:cloudformation:stack',
  environment: `aws://${shape === 'account' ? '333333333333' : '111111111111'}/eu-west-1`,
  properties: { templateFile: `${name}.template.json`, assumeRoleArn: `${role}deploy-role-111111111111-eu-west-1`, ...bootstrap },
  dependencies,
  displayName: name,
});
const manifest = {
  version: '48.0.0',
  artifacts: {
    'One.assets': { type: 'cdk:asset-manifest', properties: { file: 'One.assets.json', ...bootstrap } },
    One: stack('One', ['One.assets']),
    Two: stack('Two', ['One']),
  },
};
const assets = {
  version: '48.0.0',
  files: { readme: { source: { path: 'readme.txt', packaging: 'file' }, destinations: { here: { bucketName: bucket, objectKey: 'readme.txt' } } } },
};

const twists = {
  schema: () => { manifest.version = '999.0.0'; },
  template: () => fs.rmSync(path.join(out, 'Two.template.json')),
  outside: () => { assets.files.readme.source.path = '../../../../../../../../etc/passwd'; },
  'template-outside': () => { manifest.artifacts.One.properties.templateFile = '../../../../../../../../etc/hostname'; },
  'template-link': () => {
    fs.rmSync(path.join(out, 'Two.template.json'));
    fs.symlinkSync('/etc/hostname', path.join(out, 'Two.template.json'));
  },
  'list-outside': () => { manifest.artifacts['One.assets'].properties.file = '../../../../../../../../etc/hostname'; },
  topic: () => { manifest.artifacts.Two.properties.notificationArns = ['arn:${AWS::Partition}:sns:eu-west-1::no-account']; },
  tag: () => { manifest.artifacts.Two.properties.tags = { Instance: { Ref: 'AWS::StackName' } }; },
  circle: () => { manifest.artifacts.One.dependencies.push('Two'); },
  missing: () => {
    const props = { account: '111111111111', region: 'eu-west-1', parameterName: '/shop/vpc' };
    manifest.missing = [{ key: 'ssm:account=111111111111:parameterName=/shop/vpc:region=eu-west-1', provider: 'ssm', props }];
  },
  secrets: () => {
    console.log('token ghp_' + 'a1B2c3D4e5'.repeat(4).slice(0, 36));
    console.error('key AKIA' + 'IOSFODNN7EXAMPLE');
    console.error(`issued ${process.env.AWS_CONTAINER_AUTHORIZATION_TOKEN ?? ''}`);
    console.error(`base ${process.env.AWS_SECRET_ACCESS_KEY ?? ''}`);
    throw new Error('cannot log in with ghp_' + 'Z9y8X7w6V5'.repeat(4).slice(0, 36));
  },
};

if (shape !== 'nothing') {
  fs.mkdirSync(out, { recursive: true });
  write('readme.txt', 'read me');
  write('One.template.json', template);
  write('Two.template.json', template);
  twists[shape]?.();
  write('One.assets.json', assets);
  write('manifest.json', shape === 'json' ? '{"version": "48.0.0", ' : manifest);
}
