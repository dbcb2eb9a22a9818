"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
const aws_cdk_lib_1 = require("aws-cdk-lib");
const lambda_layer_kubectl_v33_1 = require("@aws-cdk/lambda-layer-kubectl-v33");
const aphex_pipeline_1 = require("aphex-pipeline");
// Two teams share a cluster. A platform team declares both pipelines in one stack: the
// frontend's in code, the backend's in the configuration file of its repository.
const app = new aws_cdk_lib_1.App();
const stack = new aws_cdk_lib_1.Stack(app, 'Pipelines', { env: { account: '111111111111', region: 'eu-west-1' } });
const kubectlLayer = new lambda_layer_kubectl_v33_1.KubectlV33Layer(stack, 'Kubectl');
new aphex_pipeline_1.AphexPipeline(stack, 'FrontendPipeline', {
    kubectlLayer,
    clusterName: 'company-pipelines',
    workflowTemplateName: 'frontend-pipeline',
    githubOwner: 'my-org',
    githubRepo: 'frontend',
    environments: [
        { name: 'prod', account: '111111111111', region: 'eu-west-1', stacks: [{ name: 'WebStack' }], requiresApproval: true },
    ],
});
aphex_pipeline_1.AphexPipeline.fromConfig(stack, 'BackendPipeline', 'backend/aphex-config.yaml', { kubectlLayer, configPath: 'aphex-config.yaml' });
