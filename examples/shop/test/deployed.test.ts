// What must be true of a deployed shop: run by the pipeline in each environment, after its stacks are deployed.
// STACK_OUTPUTS names a JSON file {stack: {output: value}}, STACK_OUTPUTS_DETAILED one with descriptions and export names.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, it } from 'node:test';

type Outputs = Record<string, Record<string, string>>;
type DetailedOutputs = Record<string, Record<string, { value: string; description?: string; exportName?: string }>>;

function setting(name: string): string {
  const value = process.env[name];
  assert.ok(value, `${name} is not set: this test runs behind a deployment`);
  return value;
}

describe('the deployed shop', () => {
  let outputs: Outputs;
  let account: string;
  let region: string;

  before(() => {
    outputs = JSON.parse(readFileSync(setting('STACK_OUTPUTS'), 'utf8'));
    account = setting('AWS_ACCOUNT');
    region = setting('AWS_REGION');
  });

  function output(stack: string, key: string): string {
    const value = outputs[stack]?.[key];
    assert.ok(value, `stack ${stack} has no output ${key}`);
    return value;
  }

  it('answers over HTTPS in the region of the environment', () => {
    const url = new URL(output('ApiStack', 'ApiUrl'));
    assert.equal(url.protocol, 'https:');
    assert.ok(url.hostname.includes(`.${region}.`), `${url.hostname} is not in ${region}`);
  });

  it('describes and exports the address of the API', () => {
    const detailed: DetailedOutputs = JSON.parse(readFileSync(setting('STACK_OUTPUTS_DETAILED'), 'utf8'));
    const address = detailed.ApiStack?.ApiUrl;
    assert.equal(address?.value, output('ApiStack', 'ApiUrl'));
    assert.equal(address?.description, 'Address at which orders are placed');
    assert.match(address?.exportName ?? '', /ApiStack-url$/);
  });

  it('writes orders to the table of the database stack', () => {
    assert.equal(output('ApiStack', 'OrdersTableName'), output('DatabaseStack', 'OrdersTableName'));
  });

  it('announces orders in the account of the environment', () => {
    const [, , service, topicRegion, topicAccount] = output('ApiStack', 'OrderPlacedTopicArn').split(':');
    assert.deepEqual([service, topicRegion, topicAccount], ['sns', region, account]);
    assert.ok(output('ApiStack', 'FulfilmentQueueUrl').includes(`/${account}/`));
  });

  it('keeps receipts apart from the pages of the site', () => {
    assert.notEqual(output('ApiStack', 'ReceiptsBucketName'), output('EdgeStack', 'PagesBucketName'));
  });

  it('shows its window from us-east-1', () => {
    assert.equal(output('EdgeStack', 'Region'), 'us-east-1');
    assert.equal(new URL(output('EdgeStack', 'SiteUrl')).protocol, 'https:');
  });
});
