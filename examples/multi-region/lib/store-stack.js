const { CfnOutput, Stack } = require('aws-cdk-lib');
const { AttributeType, BillingMode, Table } = require('aws-cdk-lib/aws-dynamodb');
const { StringParameter } = require('aws-cdk-lib/aws-ssm');

class StoreStack extends Stack {
  constructor(scope, id, props) {
    super(scope, id, props);
    const table = new Table(this, 'Items', {
      partitionKey: { name: 'id', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
    });
    new StringParameter(this, 'TableName', { parameterName: '/store/table', stringValue: table.tableName });
    new CfnOutput(this, 'TableArn', { value: table.tableArn });
  }
}

module.exports = { StoreStack };
