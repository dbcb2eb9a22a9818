'use strict';
// Prints what the construct declares for configuration files, to compare with what the
// generator renders: reads [{file, account, region}] from stdin. With --templates, it prints
// the templates as they are synthesized.
const { readFileSync } = require('node:fs');
const { App, CfnResource, Stack, aws_eks: eks, aws_iam: iam } = require('aws-cdk-lib');
const { Template } = require('aws-cdk-lib/assertions');
const { AphexPipeline } = require('../lib/index.js');

function synthesized({ file, account, region }) {
  const stack = new Stack(new App(), 'Stack', { env: { account, region } });
  const kubectlProvider = eks.KubectlProvider.fromKubectlProviderAttributes(stack, 'Provider', {
    functionArn: 'arn:aws:lambda:eu-west-1:111111111111:function:kubectl', kubectlRoleArn: 'arn:aws:iam::111111111111:role/kubectl',
    handlerRole: iam.Role.fromRoleArn(stack, 'Handler', 'arn:aws:iam::111111111111:role/handler'),
  });
  const pipeline = AphexPipeline.fromConfig(stack, 'Pipeline', file, { kubectlProvider, configPath: 'aphex-config.yaml' });
  return { stack, pipeline, template: Template.fromStack(stack).toJSON() };
}

function declared(place) {
  const { stack, pipeline, template } = synthesized(place);
  const ids = {};
  for (const child of pipeline.node.findChild('Aws').node.children) {
    if (child instanceof CfnResource) ids[stack.getLogicalId(child)] = child.node.id;
  }
  const resources = Object.fromEntries(Object.entries(ids).map(([id, original]) => [original, restored(template.Resources[id], ids)]));
  const objects = Object.values(template.Resources).filter(({ Type }) => Type === 'Custom::AWSCDK-EKS-KubernetesResource')
    .flatMap(({ Properties }) => JSON.parse(Properties.Manifest));
  return { resources, objects, outputs: Object.keys(template.Outputs).map((name) => name.replace(/^Pipeline/, '')) };
}

/** restored replaces what the construct puts in for the names in the generator's template. */
function restored(value, ids) {
  if (Array.isArray(value)) return value.map((inner) => restored(inner, ids));
  if (typeof value !== 'object' || value === null) return value;
  const keys = Object.keys(value);
  if (keys.length === 1 && keys[0] === 'Ref') return { Ref: ids[value.Ref] ?? value.Ref };
  if (keys.length === 1 && keys[0] === 'Fn::GetAtt') return { 'Fn::GetAtt': [ids[value[keys[0]][0]], value[keys[0]][1]] };
  if (keys.length === 1 && keys[0] === 'Fn::ImportValue' && value[keys[0]].endsWith('OIDCProviderArn')) return { Ref: 'OIDCProviderArn' };
  const whole = Object.fromEntries(keys.map((key) => [key, restored(value[key], ids)]));
  const variables = whole['Fn::Sub']?.[1];
  for (const [name, text] of Object.entries(typeof variables === 'object' ? variables : {})) {
    if (text.Ref === name) delete variables[name];
  }
  return whole;
}

const asked = JSON.parse(readFileSync(0, 'utf8'));
const answer = process.argv.includes('--templates') ? (place) => synthesized(place).template : declared;
process.stdout.write(JSON.stringify(asked.map(answer)));
