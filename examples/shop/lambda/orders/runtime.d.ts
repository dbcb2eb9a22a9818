// The little of the AWS SDK that the handler uses: the Lambda runtime brings the packages themselves.
declare module '@aws-sdk/client-dynamodb' {
  export class DynamoDBClient {
    constructor(config: object);
    send(command: PutItemCommand): Promise<unknown>;
  }
  export class PutItemCommand {
    constructor(input: { TableName: string | undefined; Item: Record<string, { S: string } | { N: string }> });
  }
}

declare module '@aws-sdk/client-s3' {
  export class S3Client {
    constructor(config: object);
    send(command: PutObjectCommand): Promise<unknown>;
  }
  export class PutObjectCommand {
    constructor(input: { Bucket: string | undefined; Key: string; Body: string });
  }
}

declare module '@aws-sdk/client-sns' {
  export class SNSClient {
    constructor(config: object);
    send(command: PublishCommand): Promise<unknown>;
  }
  export class PublishCommand {
    constructor(input: { TopicArn: string | undefined; Message: string });
  }
}
