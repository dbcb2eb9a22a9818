import * as path from 'node:path';
import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { Architecture, Code, Function, FunctionUrlAuthType, Runtime } from 'aws-cdk-lib/aws-lambda';
import { BlockPublicAccess, Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { SqsSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { removalPolicy, type Settings } from './settings';

export interface ApiStackProps extends StackProps {
  readonly settings: Settings;
  /** The table of the database stack: using it here makes the reference between the two stacks. */
  readonly orders: ITable;
}

/** Takes orders over HTTPS: the order goes to the table, a receipt to a bucket, the news to a topic. */
export class ApiStack extends Stack {
  constructor(scope: Construct, id: string, props: ApiStackProps) {
    super(scope, id, props);
    const receipts = this.addReceipts(props.settings);
    const placed = new Topic(this, 'OrderPlaced', { displayName: `Orders of the ${props.settings.name} shop` });
    const fulfilment = this.addFulfilment(placed);
    const api = this.addApi(props, receipts, placed);

    new CfnOutput(this, 'ApiUrl', {
      value: api.addFunctionUrl({ authType: FunctionUrlAuthType.AWS_IAM }).url,
      description: 'Address at which orders are placed',
      exportName: `${this.stackName}-url`,
    });
    new CfnOutput(this, 'FunctionName', { value: api.functionName });
    new CfnOutput(this, 'FulfilmentQueueUrl', { value: fulfilment.queueUrl });
    new CfnOutput(this, 'OrderPlacedTopicArn', { value: placed.topicArn });
    new CfnOutput(this, 'OrdersTableName', { value: props.orders.tableName });
    new CfnOutput(this, 'ReceiptsBucketName', { value: receipts.bucketName });
  }

  private addReceipts(settings: Settings): Bucket {
    return new Bucket(this, 'Receipts', {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      removalPolicy: removalPolicy(settings),
    });
  }

  private addFulfilment(placed: Topic): Queue {
    const failed = new Queue(this, 'FailedOrders', { retentionPeriod: Duration.days(14), enforceSSL: true });
    const queue = new Queue(this, 'Fulfilment', {
      deadLetterQueue: { queue: failed, maxReceiveCount: 5 },
      enforceSSL: true,
    });
    placed.addSubscription(new SqsSubscription(queue, { rawMessageDelivery: true }));
    return queue;
  }

  private addApi(props: ApiStackProps, receipts: Bucket, placed: Topic): Function {
    const api = new Function(this, 'Api', {
      description: 'Places an order',
      runtime: Runtime.NODEJS_22_X,
      architecture: Architecture.ARM_64,
      memorySize: props.settings.memorySize,
      timeout: Duration.seconds(10),
      handler: 'handler.handler',
      code: Code.fromAsset(path.join(__dirname, '../lambda/orders')),
      environment: {
        ORDERS_TABLE: props.orders.tableName,
        RECEIPTS_BUCKET: receipts.bucketName,
        ORDER_PLACED_TOPIC: placed.topicArn,
      },
    });
    props.orders.grantWriteData(api);
    receipts.grantPut(api);
    placed.grantPublish(api);
    return api;
  }
}
