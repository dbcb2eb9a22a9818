'use strict';

// One stack in an assembly made by hand: parameters without a default, context, and a variable of its environment.
const fs = require('node:fs');
const path = require('node:path');

const out = process.env.CDK_OUTDIR;
const context = JSON.parse(process.env.CDK_CONTEXT_JSON);
const write = (name, content) => fs.writeFileSync(path.join(out, name), JSON.stringify(content));
const value = (text) => ({ Type: 'AWS::SSM::Parameter', Properties: { Type: 'String', Value: text } });
const role = 'arn:${AWS::Partition}:iam::111111111111:role/cdk-hnb659fds-';

fs.mkdirSync(out, { recursive: true });
write('Given.template.json', {
  Parameters: { Email: { Type: 'String' }, Size: { Type: 'String', Default: 'small' } },
  Resources: {
    SeenEmail: value({ Ref: 'Email' }),
    SeenSize: value({ Ref: 'Size' }),
    SeenTier: value(context.tier ?? 'none'),
    SeenStage: value(process.env.STAGE ?? 'none'),
  },
});
write('manifest.json', {
  version: '48.0.0',
  artifacts: {
    Given: {
      type: 'aws:cloudformation:stack',
      environment: 'aws://111111111111/eu-west-1',
      properties: {
        templateFile: 'Given.template.json',
        stackName: 'dev-Given',
        notificationArns: ['arn:aws:sns:eu-west-1:111111111111:own'],
        assumeRoleArn: `${role}deploy-role-111111111111-eu-west-1`,
        cloudFormationExecutionRoleArn: `${role}cfn-exec-role-111111111111-eu-west-1`,
      },
      displayName: 'Given',
    },
  },
});
