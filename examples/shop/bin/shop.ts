// The shop as a CDK app. One program describes every environment: whoever runs it says which one by
// ENVIRONMENT_NAME, CDK_DEFAULT_ACCOUNT and CDK_DEFAULT_REGION, so the stack names are the same everywhere.
import { App, Tags } from 'aws-cdk-lib';
import { ApiStack } from '../lib/api-stack';
import { DatabaseStack } from '../lib/database-stack';
import { EdgeStack } from '../lib/edge-stack';
import { settingsFor } from '../lib/settings';

const app = new App();
const settings = settingsFor(process.env.ENVIRONMENT_NAME ?? 'dev');
const account = process.env.CDK_DEFAULT_ACCOUNT;
const region = process.env.CDK_DEFAULT_REGION;

const database = new DatabaseStack(app, 'DatabaseStack', { env: { account, region }, settings });
new ApiStack(app, 'ApiStack', { env: { account, region }, settings, orders: database.orders });
// CloudFront keeps its certificates and firewalls in us-east-1, so the edge lives there in every account.
new EdgeStack(app, 'EdgeStack', { env: { account, region: 'us-east-1' }, settings });

Tags.of(app).add('environment', settings.name);
const owner: unknown = app.node.tryGetContext('shop:owner');
if (typeof owner === 'string') {
  Tags.of(app).add('owner', owner);
}
