'use strict';
const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { after, test } = require('node:test');
const { App, Aws, Stack, aws_eks: eks, aws_iam: iam, aws_sns: sns } = require('aws-cdk-lib');
const { Annotations, Match, Template } = require('aws-cdk-lib/assertions');
const { AphexPipeline } = require('../lib/index.js');

const env = { account: '111111111111', region: 'eu-west-1' };
const dev = { name: 'dev', account: '111111111111', region: 'eu-west-1', stacks: [{ name: 'ApiStack' }] };
const declared = { clusterName: 'company', githubOwner: 'my-org', githubRepo: 'my-app', environments: [dev] };
const work = mkdtempSync(join(tmpdir(), 'construct-test-'));
process.chdir(work);
after(() => rmSync(work, { recursive: true }));

const stackOf = (props = { env }) => new Stack(new App(), 'Shop', props);

/** installed is a kubectl provider that the cluster already has: without assets, tests take no time. */
function installed(stack) {
  const existing = stack.node.tryFindChild('Provider');
  return existing ?? eks.KubectlProvider.fromKubectlProviderAttributes(stack, 'Provider', {
    functionArn: 'arn:aws:lambda:eu-west-1:111111111111:function:kubectl',
    kubectlRoleArn: 'arn:aws:iam::111111111111:role/kubectl',
    handlerRole: iam.Role.fromRoleArn(stack, 'Handler', 'arn:aws:iam::111111111111:role/handler'),
  });
}

const pipeline = (stack, props = {}, id = 'Pipeline') =>
  new AphexPipeline(stack, id, { kubectlProvider: installed(stack), ...declared, ...props });

const manifests = (template) => Object.entries(template.findResources('Custom::AWSCDK-EKS-KubernetesResource'));
const objects = (template) => manifests(template).flatMap(([, { Properties }]) => JSON.parse(Properties.Manifest));

test('a pipeline has its AWS side in the stack and its objects in the cluster', () => {
  const stack = stackOf();
  const made = pipeline(stack);
  const template = Template.fromStack(stack);

  template.hasResource('AWS::S3::Bucket', { DeletionPolicy: 'Retain', Properties: { BucketName: 'aphex-my-app-111111111111-eu-west-1' } });
  template.resourceCountIs('AWS::SecretsManager::Secret', 1);
  const kinds = objects(template).map(({ kind }) => kind);
  for (const kind of ['ServiceAccount', 'WorkflowTemplate', 'EventSource', 'Sensor']) assert.ok(kinds.includes(kind), kind);
  const trust = Object.values(template.findResources('AWS::IAM::Role')).map(({ Properties }) => JSON.stringify(Properties.AssumeRolePolicyDocument));
  assert.ok(trust.some((text) => text.includes('"Fn::ImportValue":"AphexCluster-company-OIDCProviderArn"')), trust[0]);
  for (const output of ['ArgoEventsWebhookUrl', 'ArtifactBucketName', 'WorkflowExecutionRoleArn', 'WorkflowTemplateName', 'GitHubWebhookInstructions']) {
    template.hasOutput(`Pipeline${output}`, { Export: { Name: { 'Fn::Sub': `\${AWS::StackName}-Pipeline${output}` } } });
  }
  assert.equal(made.workflowTemplateName, 'my-app');
  assert.match(made.pipelineName, /^my-app-[0-9a-f]{8}$/);
});

test('a version of the workflow template is applied before what starts it, and never deleted', () => {
  const stack = stackOf();
  pipeline(stack);
  const template = Template.fromStack(stack);

  const of = (kind) => manifests(template).find(([, { Properties }]) => JSON.parse(Properties.Manifest).some((object) => object.kind === kind));
  const [id, workflow] = of('WorkflowTemplate');
  assert.equal(workflow.DeletionPolicy, 'Retain');
  assert.equal(workflow.UpdateReplacePolicy, 'Retain');
  assert.deepEqual(JSON.parse(workflow.Properties.Manifest).length, 1);
  assert.ok(of('Sensor')[1].DependsOn.includes(id));
  assert.equal(of('Sensor')[1].DeletionPolicy, 'Delete');
  for (const [, { Properties }] of manifests(template)) assert.equal(Properties.PruneLabel, undefined);
});

test('all problems of the properties are reported with their paths and the path of the construct', () => {
  const wrong = { environments: [{ ...dev, name: 'Dev', region: 'eu-west' }], artifactRetentionDays: 0, buildStage: { artifacts: ['/dist'] } };
  assert.throws(() => pipeline(stackOf(), wrong), (error) => {
    assert.match(error.message, /^Shop\/Pipeline: 4 problems in the properties\n/);
    for (const path of ['environments[0].name', 'environments[0].region', 'artifactRetentionDays', 'buildStage.artifacts[0]']) {
      assert.ok(error.message.includes(`\n  ${path}: `), error.message);
    }
    assert.match(error.message, /eu-west-1/, 'the hint suggests a region');
    return true;
  });
});

test('a key that only a cluster needs is required', () => {
  assert.throws(() => pipeline(stackOf(), { clusterName: undefined }), /Shop\/Pipeline: a problem in the properties\n  clusterName: there is no clusterName/);
});

test('a stack without an account or region is refused', () => {
  assert.throws(() => pipeline(stackOf({})), /Shop\/Pipeline: the account of stack Shop is not known at synthesis[\s\S]*hint: give the stack an env/);
  assert.throws(() => pipeline(stackOf({ env: { account: env.account } })), /the region of stack Shop/);
});

test('a property that is known at deployment only is refused by its path', () => {
  assert.throws(() => pipeline(stackOf(), { environments: [dev, { ...dev, name: 'prod', account: Aws.ACCOUNT_ID }] }), /environments\[1\]\.account is known at deployment only/);
  assert.throws(() => pipeline(stackOf(), { githubRepo: `app-${Aws.REGION}` }), /githubRepo is known at deployment only/);
});

test('without a layer or a provider, the pipelines of a stack share kubectl of the package', () => {
  const stack = stackOf();
  pipeline(stack, { kubectlProvider: undefined });
  pipeline(stack, { kubectlProvider: undefined, githubRepo: 'other' }, 'Other');
  Template.fromStack(stack).resourceCountIs('AWS::Lambda::LayerVersion', 1);
});

test('an environment without stacks deploys all of them', () => {
  const [short, long] = [stackOf(), stackOf()];
  const { stacks, ...rest } = dev;
  pipeline(short, { stacks, environments: [rest] });
  pipeline(long, { stacks, environments: [{ ...rest, stacks: ['ApiStack'] }] });
  assert.deepEqual(objects(Template.fromStack(short)), objects(Template.fromStack(long)));
});

test('a run is not to deploy the stack that holds the permissions of its pipeline', () => {
  assert.throws(() => pipeline(stackOf(), { pipelineStack: { name: 'Shop' } }), /Shop\/Pipeline: pipelineStack names Shop, the stack of this construct[\s\S]*hint: remove pipelineStack/);
  pipeline(stackOf(), { pipelineStack: { name: 'Alarms' } });
});

test('two pipelines with the same names are refused, whatever their stacks', () => {
  const stack = stackOf();
  pipeline(stack);
  assert.throws(() => pipeline(stack, {}, 'Other'), /Shop\/Other: Shop\/Pipeline has the repository, branch and configPath/);
  assert.throws(() => pipeline(stack, { githubRepo: 'other', workflowTemplateName: 'my-app' }, 'Third'), /Shop\/Pipeline has the workflowTemplateName my-app on cluster company/);
  pipeline(new Stack(stack.node.root, 'Far', { env: { account: '222222222222', region: 'eu-west-1' } }));
});

test('several pipelines share a stack', () => {
  const stack = stackOf();
  pipeline(stack);
  pipeline(stack, { githubRepo: 'other' }, 'Other');
  const template = Template.fromStack(stack);
  template.resourceCountIs('AWS::S3::Bucket', 2);
  const named = objects(template).map(({ kind, metadata }) => `${kind}/${metadata.namespace}/${metadata.name}`);
  assert.equal(new Set(named).size, named.length);
});

test('given attributes of the cluster replace its exports', () => {
  const stack = stackOf();
  const provider = 'arn:aws:iam::111111111111:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC';
  pipeline(stack, { oidcProviderArn: provider, kubectlRoleArn: 'arn:aws:iam::111111111111:role/admin', webhookUrl: 'https://hooks.example.com/push' });
  const text = JSON.stringify(Template.fromStack(stack));
  assert.ok(!text.includes('Fn::ImportValue'));
  assert.ok(text.includes(provider));
  Template.fromStack(stack).hasOutput('PipelineArgoEventsWebhookUrl', { Value: 'https://hooks.example.com/push' });
});

test('an AWS resource can be changed, and an unknown one is named with all that there are', () => {
  const stack = stackOf();
  const made = pipeline(stack);
  made.awsResource('ArtifactBucket').addPropertyOverride('AccelerateConfiguration.AccelerationStatus', 'Enabled');
  Template.fromStack(stack).hasResourceProperties('AWS::S3::Bucket', { AccelerateConfiguration: { AccelerationStatus: 'Enabled' } });
  assert.throws(() => made.awsResource('Bucket'), /no AWS resource "Bucket": its resources are .*ArtifactBucket/);
});

test('grants on the pipeline\'s bucket, secret and role refer to its resources', () => {
  const stack = stackOf();
  const made = pipeline(stack);
  const reader = new iam.Role(stack, 'Reader', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
  made.artifactBucket.grantRead(reader);
  made.webhookSecret.grantRead(reader);
  Template.fromStack(stack).hasResourceProperties('AWS::IAM::Policy', { PolicyDocument: { Statement: Match.arrayWith([
    Match.objectLike({ Resource: { Ref: Match.stringLikeRegexp('WebhookSecret') } }),
  ]) } });
  assert.match(JSON.stringify(stack.resolve(made.workflowExecutionRole.roleArn)), /Fn::GetAtt.*DeployerRole/);
});

test('a configuration file declares the same pipeline as properties', () => {
  const stack = stackOf();
  const made = pipeline(stack);
  const file = join(work, 'aphex-config.yaml');
  writeFileSync(file, made.configuration);
  try {
    const other = stackOf();
    AphexPipeline.fromConfig(other, 'Pipeline', file, { kubectlProvider: installed(other), configPath: 'aphex-config.yaml' });
    assert.deepEqual(Template.fromStack(other).toJSON(), Template.fromStack(stack).toJSON());

    const third = stackOf();
    pipeline(third);
    Annotations.fromStack(third).hasNoWarning('*', Match.anyValue());
    const changed = stackOf();
    pipeline(changed, { lookups: true });
    Annotations.fromStack(changed).hasWarning('/Shop/Pipeline', Match.stringLikeRegexp('aphex-config.yaml of its commit, which declares another pipeline'));
  } finally {
    rmSync(file);
  }
  Annotations.fromStack(stack).hasWarning('/Shop/Pipeline', Match.stringLikeRegexp('which does not exist'));
});

test('an environment that is added is one of the properties', () => {
  const prod = { name: 'prod', account: '222222222222', region: 'us-west-2', stacks: [{ name: 'ApiStack' }], requiresApproval: true };
  const whole = stackOf();
  pipeline(whole, { environments: [dev, prod] });
  const grown = stackOf();
  pipeline(grown).addEnvironment(prod);
  assert.deepEqual(Template.fromStack(grown).toJSON(), Template.fromStack(whole).toJSON());
  assert.notDeepEqual(Template.fromStack(grown).toJSON(), Template.fromStack((() => { const one = stackOf(); pipeline(one); return one; })()).toJSON());
});

test('an environment that cannot be added changes nothing', () => {
  const stack = stackOf();
  const made = pipeline(stack);
  const before = made.configuration;
  assert.throws(() => made.addEnvironment({ ...dev, name: 'Prod' }), /Shop\/Pipeline: a problem in the properties\n  environments\[1\]\.name: /);
  assert.throws(() => made.addEnvironment({ ...dev, name: 'prod', account: Aws.ACCOUNT_ID }), /environments\[1\]\.account is known at deployment only/);
  assert.throws(() => made.addEnvironment(dev), /environments\[1\]\.name/);
  assert.equal(made.configuration, before);
  Template.fromStack(stack).resourceCountIs('AWS::S3::Bucket', 1);
});

test('environments of a file are added to the file', () => {
  const file = join(work, 'declared.yaml');
  writeFileSync(file, pipeline(stackOf()).configuration);
  const stack = stackOf();
  const made = AphexPipeline.fromConfig(stack, 'Pipeline', file, { kubectlProvider: installed(stack) });
  assert.throws(() => made.addEnvironment({ ...dev, name: 'prod' }), /declared\.yaml declares the environments of this pipeline\n  hint: add the environment to the file/);
});

test('who may start runs reads the secret that signs deliveries, and nothing else', () => {
  const stack = stackOf();
  const made = pipeline(stack);
  const starter = new iam.Role(stack, 'Starter', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
  made.grantStart(starter).assertSuccess();
  Template.fromStack(stack).hasResourceProperties('AWS::IAM::Policy', { PolicyDocument: { Statement: [
    { Action: ['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret'], Effect: 'Allow', Resource: { Ref: Match.stringLikeRegexp('WebhookSecret') } },
  ] } });
});

test('a topic is told when a run failed', () => {
  const stack = stackOf();
  const made = pipeline(stack);
  for (const id of ['Team', 'OnCall']) made.onFailure(new sns.Topic(stack, id));
  const template = Template.fromStack(stack);
  template.resourceCountIs('AWS::CloudWatch::Alarm', 2);
  template.hasResourceProperties('AWS::CloudWatch::Alarm', {
    Namespace: 'AphexPipeline', MetricName: 'WorkflowCount', Period: 60, Threshold: 1, TreatMissingData: 'notBreaching', Statistic: 'Sum',
    Dimensions: [{ Name: 'Pipeline', Value: made.workflowTemplateName }, { Name: 'Status', Value: 'Failed' }],
    AlarmActions: [{ Ref: Match.stringLikeRegexp('^OnCall') }],
  });
  assert.equal(made.metricDuration().metricName, 'WorkflowDuration');
  assert.equal(made.metricSucceeded({ label: 'deployed' }).label, 'deployed');
});

test('a pipeline without metrics has no alarm that could never sound', () => {
  const stack = stackOf();
  assert.throws(() => pipeline(stack, { metrics: false }).onFailure(new sns.Topic(stack, 'Team')), /publish no metrics\n  hint: remove "metrics: false"/);
});

test('the template records the configuration of each pipeline', () => {
  const stack = stackOf();
  stack.templateOptions.metadata = { Owner: 'platform' };
  const made = pipeline(stack);
  made.addEnvironment({ ...dev, name: 'prod' });
  const other = pipeline(stack, { githubRepo: 'other', configPath: 'deploy/aphex-config.yaml' }, 'Other');
  const { Metadata } = Template.fromStack(stack).toJSON();
  assert.deepEqual(Metadata, {
    Owner: 'platform',
    'AphexPipeline:Shop/Pipeline': { path: 'aphex-config.yaml', configuration: made.configuration },
    'AphexPipeline:Shop/Other': { path: 'deploy/aphex-config.yaml', configuration: other.configuration },
  });
  assert.equal(JSON.parse(made.configuration).environments.length, 2);
});

test('problems of a configuration file are reported with their positions', () => {
  const file = join(work, 'wrong.yaml');
  writeFileSync(file, 'version: "1.0"\nenviroments: []\n');
  assert.throws(() => AphexPipeline.fromConfig(stackOf(), 'Pipeline', file), /Shop\/Pipeline: .*wrong\.yaml:2:1: [\s\S]*environments/);
  assert.throws(() => AphexPipeline.fromConfig(stackOf(), 'Pipeline', join(work, 'none.yaml')), /none\.yaml: no such file/);
});

// The template of a pipeline as it is deployed, for a review to see what a change of the construct changes: the objects
// in the cluster are those of the golden files of `generator render`. UPDATE=1 writes it anew.
test('the template is that of the snapshot', () => {
  const stack = stackOf();
  pipeline(stack, { environments: [dev, { ...dev, name: 'prod', account: '222222222222' }], webhookUrl: 'https://hooks.example.com/push' });
  const template = Template.fromStack(stack).toJSON();
  for (const { Properties } of Object.values(template.Resources).filter(({ Properties }) => Properties.Manifest)) {
    Properties.Manifest = JSON.parse(Properties.Manifest).map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`);
  }
  const text = JSON.stringify(template, undefined, 1).replaceAll(/(workflowtemplate|WorkflowTemplate argo)\/my-app-[0-9a-f]{2}\b/g, '$1/my-app-VERSION') + '\n';
  const file = join(__dirname, 'snapshot.template.json');
  if (process.env.UPDATE) writeFileSync(file, text);
  assert.equal(text, readFileSync(file, 'utf8'), 'if the change is meant, run: UPDATE=1 npm test');
});

test('the npm package contains all that it needs', () => {
  const [{ files }] = JSON.parse(execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: join(__dirname, '..'), encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  const paths = files.map(({ path }) => path);
  for (const path of ['.jsii', 'LICENSE', 'README.md', 'assets/contracts.json', 'assets/generator.wasm.gz', 'lib/index.js', 'lib/index.d.ts']) {
    assert.ok(paths.includes(path), path);
  }
  assert.ok(!paths.some((path) => path.startsWith('src/') || path.startsWith('test/')));
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  assert.ok(bytes < 25 << 20, `${bytes} bytes`);
});
