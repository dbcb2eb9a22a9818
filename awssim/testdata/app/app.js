// An app over two accounts and two regions, for the test that deploys it with the real CDK CLI.
const { App, CfnOutput, RemovalPolicy, Stack } = require('aws-cdk-lib');
const ecr = require('aws-cdk-lib/aws-ecr');
const iam = require('aws-cdk-lib/aws-iam');
const lambda = require('aws-cdk-lib/aws-lambda');
const s3 = require('aws-cdk-lib/aws-s3');
const secrets = require('aws-cdk-lib/aws-secretsmanager');
const ssm = require('aws-cdk-lib/aws-ssm');

const app = new App();

const near = new Stack(app, 'Near', { env: { account: '111111111111', region: 'eu-west-1' }, tags: { team: 'red' } });
const bucket = new s3.Bucket(near, 'Bucket', { versioned: true, removalPolicy: RemovalPolicy.DESTROY, enforceSSL: true });
new lambda.Function(near, 'Function', {
  runtime: lambda.Runtime.NODEJS_20_X, handler: 'index.handler', code: lambda.Code.fromAsset('asset'),
  environment: { BUCKET: bucket.bucketName },
});
new CfnOutput(near, 'BucketName', { value: bucket.bucketName });

const far = new Stack(app, 'Far', { env: { account: '222222222222', region: 'eu-central-1' } });
new ssm.StringParameter(far, 'Parameter', { parameterName: '/far/region', stringValue: far.region });
new ecr.Repository(far, 'Repository', { repositoryName: 'far/images', removalPolicy: RemovalPolicy.DESTROY });
const secret = new secrets.Secret(far, 'Secret', {
  secretName: 'far-secret', generateSecretString: { secretStringTemplate: '{"user":"far"}', generateStringKey: 'password', passwordLength: 20 },
});
const role = new iam.Role(far, 'Role', { roleName: 'far-reader', assumedBy: new iam.AccountPrincipal('111111111111') });
secret.grantRead(role);
role.addManagedPolicy(iam.ManagedPolicy.fromAwsManagedPolicyName('AmazonSSMReadOnlyAccess'));
new CfnOutput(far, 'RoleArn', { value: role.roleArn });
