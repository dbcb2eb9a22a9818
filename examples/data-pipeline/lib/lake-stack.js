const { CfnOutput, RemovalPolicy, Stack } = require('aws-cdk-lib');
const { Bucket } = require('aws-cdk-lib/aws-s3');

/** The data: a stack of its own, so that changes of the jobs never touch it. */
class LakeStack extends Stack {
  constructor(scope, id, props) {
    super(scope, id, { ...props, terminationProtection: true });
    this.raw = new Bucket(this, 'Raw', { removalPolicy: RemovalPolicy.RETAIN });
    this.curated = new Bucket(this, 'Curated', { removalPolicy: RemovalPolicy.RETAIN });
    new CfnOutput(this, 'RawBucket', { value: this.raw.bucketName });
  }
}

module.exports = { LakeStack };
