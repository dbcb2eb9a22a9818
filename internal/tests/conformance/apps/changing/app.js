'use strict';

// Two stacks in an assembly made by hand, User reading an export of Base; SHAPE says how Base has changed.
const fs = require('node:fs');
const path = require('node:path');

const shape = process.env.SHAPE;
const out = process.env.CDK_OUTDIR;
const write = (name, content) => fs.writeFileSync(path.join(out, name), JSON.stringify(content));
const role = 'arn:${AWS::Partition}:iam::111111111111:role/cdk-hnb659fds-';
const stack = (name, dependencies) => ({
  type: 'aws:cloudformation:stack',
  environment: 'aws://111111111111/eu-west-1',
  properties: {
    templateFile: `${name}.template.json`,
    terminationProtection: shape === 'protected' && name === 'Base',
    assumeRoleArn: `${role}deploy-role-111111111111-eu-west-1`,
    cloudFormationExecutionRoleArn: `${role}cfn-exec-role-111111111111-eu-west-1`,
  },
  dependencies,
  displayName: name,
});

const base = {
  Resources: { Topic: { Type: 'AWS::SNS::Topic' } },
  Outputs: { TopicArn: { Value: { Ref: 'Topic' }, Export: { Name: 'base-topic' } } },
};
const user = { Resources: { Copy: { Type: 'AWS::SSM::Parameter', Properties: { Type: 'String', Value: { 'Fn::ImportValue': 'base-topic' } } } } };
if (shape === 'renamed') base.Resources.Topic.Properties = { DisplayName: 'news' };
if (shape === 'replaced') base.Resources.Topic.Properties = { TopicName: 'news' };
if (shape === 'grown' || shape === 'renamed') base.Resources.Added = { Type: 'AWS::SQS::Queue' };
if (shape === 'closed') delete base.Outputs;

fs.mkdirSync(out, { recursive: true });
write('Base.template.json', base);
write('User.template.json', user);
write('User.assets.json', {
  version: '48.0.0',
  files: {
    readme: {
      source: { path: 'readme.json', packaging: 'file' },
      destinations: {
        here: {
          bucketName: 'cdk-hnb659fds-assets-111111111111-eu-west-1',
          objectKey: 'readme.json',
          assumeRoleArn: `${role}file-publishing-role-111111111111-eu-west-1`,
        },
      },
    },
  },
});
write('readme.json', 'read me');
const artifacts = {
  Base: stack('Base', []),
  'User.assets': { type: 'cdk:asset-manifest', properties: { file: 'User.assets.json', requiresBootstrapStackVersion: 6 } },
  User: stack('User', ['Base', 'User.assets']),
};
write('manifest.json', { version: '48.0.0', artifacts });
