// A CDK app without the CDK: it writes the cloud assembly itself, so that it is
// synthesized in a few milliseconds. Deployments use the bootstrap roles.
import fs from 'node:fs';
import path from 'node:path';

const out = process.env.CDK_OUTDIR ?? 'cdk.out';
const account = process.env.CDK_DEFAULT_ACCOUNT;
const region = process.env.CDK_DEFAULT_REGION;
const role = (name) => `arn:\${AWS::Partition}:iam::${account}:role/cdk-hnb659fds-${name}-role-${account}-${region}`;

const stacks = {
  Base: {
    Resources: { Own: { Type: 'AWS::SSM::Parameter', Properties: { Name: '/app/base', Type: 'String', Value: 'one' } } },
  },
  Api: {
    Resources: { Own: { Type: 'AWS::SSM::Parameter', Properties: { Name: '/app/api', Type: 'String', Value: 'one' } } },
    Outputs: { Parameter: { Value: { Ref: 'Own' }, Description: 'Where the setting is' } },
  },
};

fs.mkdirSync(out, { recursive: true });
const artifacts = {};
for (const [name, template] of Object.entries(stacks)) {
  fs.writeFileSync(path.join(out, `${name}.template.json`), JSON.stringify(template));
  artifacts[name] = {
    type: 'aws:cloudformation:stack',
    environment: `aws://${account}/${region}`,
    properties: {
      templateFile: `${name}.template.json`,
      assumeRoleArn: role('deploy'),
      cloudFormationExecutionRoleArn: role('cfn-exec'),
      requiresBootstrapStackVersion: 6,
      bootstrapStackVersionSsmParameter: '/cdk-bootstrap/hnb659fds/version',
    },
    dependencies: name === 'Api' ? ['Base'] : [],
    displayName: name,
  };
}
fs.writeFileSync(path.join(out, 'manifest.json'), JSON.stringify({ version: '48.0.0', artifacts }));
