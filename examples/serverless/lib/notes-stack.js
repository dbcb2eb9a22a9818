const path = require('node:path');
const { CfnOutput, Stack } = require('aws-cdk-lib');
const { AttributeType, BillingMode, Table } = require('aws-cdk-lib/aws-dynamodb');
const { Code, Function, FunctionUrlAuthType, Runtime } = require('aws-cdk-lib/aws-lambda');

class NotesStack extends Stack {
  constructor(scope, id, props) {
    super(scope, id, props);
    const table = new Table(this, 'Notes', {
      partitionKey: { name: 'id', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
    });
    const handler = new Function(this, 'Handler', {
      runtime: Runtime.NODEJS_22_X,
      handler: 'index.handler',
      code: Code.fromAsset(path.join(__dirname, '../function')), // published by the pipeline, once for each content
      environment: { TABLE: table.tableName },
    });
    table.grantReadWriteData(handler);
    const url = handler.addFunctionUrl({ authType: FunctionUrlAuthType.AWS_IAM });
    new CfnOutput(this, 'Url', { value: url.url });
    new CfnOutput(this, 'FunctionName', { value: handler.functionName });
  }
}

module.exports = { NotesStack };
