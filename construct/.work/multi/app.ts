import { App, Stack } from 'aws-cdk-lib';
import { KubectlV33Layer } from '@aws-cdk/lambda-layer-kubectl-v33';
import { AphexPipeline } from 'aphex-pipeline';

// Two teams share a cluster. A platform team declares both pipelines in one stack: the
// frontend's in code, the backend's in the configuration file of its repository.
const app = new App();
const stack = new Stack(app, 'Pipelines', { env: { account: '111111111111', region: 'eu-west-1' } });
const kubectlLayer = new KubectlV33Layer(stack, 'Kubectl');

new AphexPipeline(stack, 'FrontendPipeline', {
  kubectlLayer,
  clusterName: 'company-pipelines',
  workflowTemplateName: 'frontend-pipeline',
  githubOwner: 'my-org',
  githubRepo: 'frontend',
  environments: [
    { name: 'prod', account: '111111111111', region: 'eu-west-1', stacks: [{ name: 'WebStack' }], requiresApproval: true },
  ],
});

AphexPipeline.fromConfig(stack, 'BackendPipeline', 'backend/aphex-config.yaml', { kubectlLayer, configPath: 'aphex-config.yaml' });
