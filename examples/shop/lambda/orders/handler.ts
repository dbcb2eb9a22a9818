// The function as Lambda calls it. The AWS SDK is part of the runtime, so it is not packaged.
import { randomUUID } from 'node:crypto';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { placeOrder, type Places, type Reply } from './orders';

const table = new DynamoDBClient({});
const bucket = new S3Client({});
const topic = new SNSClient({});

const places: Places = {
  async save(order) {
    const Item = { id: { S: order.id }, item: { S: order.item }, quantity: { N: String(order.quantity) } };
    await table.send(new PutItemCommand({ TableName: process.env.ORDERS_TABLE, Item }));
  },
  async writeReceipt(Key, Body) {
    await bucket.send(new PutObjectCommand({ Bucket: process.env.RECEIPTS_BUCKET, Key, Body }));
  },
  async announce(order) {
    const Message = JSON.stringify(order);
    await topic.send(new PublishCommand({ TopicArn: process.env.ORDER_PLACED_TOPIC, Message }));
  },
};

export async function handler(event: { body?: string }): Promise<Reply> {
  return placeOrder(places, randomUUID(), event.body);
}
