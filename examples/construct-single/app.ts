import { App, Stack, StackProps } from 'aws-cdk-lib';
import { AphexPipeline } from 'aphex-pipeline';
import { Construct } from 'constructs';

/** The pipeline of one repository: dev, then prod in another account. */
class MyAppPipeline extends Stack {
  constructor(scope: Construct, id: string, props: StackProps) {
    super(scope, id, props);
    new AphexPipeline(this, 'Pipeline', {
      clusterName: 'company-pipelines',
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

const app = new App();
new MyAppPipeline(app, 'MyAppPipeline', { env: { account: '111111111111', region: 'us-east-1' } });
