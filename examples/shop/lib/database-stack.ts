import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table, type ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { Construct } from 'constructs';
import { removalPolicy, type Settings } from './settings';

export interface DatabaseStackProps extends StackProps {
  readonly settings: Settings;
}

/** The table of orders. It is a stack of its own, so that no change of code can replace data. */
export class DatabaseStack extends Stack {
  readonly orders: ITable;

  constructor(scope: Construct, id: string, props: DatabaseStackProps) {
    super(scope, id, props);
    const { settings } = props;
    this.orders = new Table(this, 'Orders', {
      partitionKey: { name: 'id', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      deletionProtection: settings.keepData,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: settings.keepData },
      removalPolicy: removalPolicy(settings),
    });
    new CfnOutput(this, 'OrdersTableName', { value: this.orders.tableName });
  }
}
