"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
const aws_cdk_lib_1 = require("aws-cdk-lib");
const lambda_layer_kubectl_v33_1 = require("@aws-cdk/lambda-layer-kubectl-v33");
const aphex_pipeline_1 = require("aphex-pipeline");
/** The pipeline of one repository: dev, then prod in another account. */
class MyAppPipeline extends aws_cdk_lib_1.Stack {
    constructor(scope, id, props) {
        super(scope, id, props);
        new aphex_pipeline_1.AphexPipeline(this, 'Pipeline', {
            clusterName: 'company-pipelines',
            kubectlLayer: new lambda_layer_kubectl_v33_1.KubectlV33Layer(this, 'Kubectl'),
            githubOwner: 'my-org',
            githubRepo: 'my-app',
            githubTokenSecretName: 'github-token',
            buildStage: { commands: ['npm ci', 'npm run build'] },
            stacks: [
                { name: 'DatabaseStack', path: 'lib/database-stack.ts' },
                { name: 'ApiStack', path: 'lib/api-stack.ts', dependsOn: ['DatabaseStack'] },
            ],
            environments: [
                { name: 'dev', account: '111111111111', region: 'us-east-1', stacks: ['DatabaseStack', 'ApiStack'] },
                {
                    name: 'prod', account: '222222222222', region: 'us-west-2', stacks: ['DatabaseStack', 'ApiStack'],
                    tests: { commands: ['npm run integration-test'] },
                },
            ],
        });
    }
}
const app = new aws_cdk_lib_1.App();
new MyAppPipeline(app, 'MyAppPipeline', { env: { account: '111111111111', region: 'us-east-1' } });
