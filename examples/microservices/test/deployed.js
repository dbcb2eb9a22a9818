// Outputs of all services are in one file, by stack.
const assert = require('node:assert');

const { EventsStack, OrdersStack, BillingStack } = require(process.env.STACK_OUTPUTS);
assert.equal(OrdersStack.PublishesTo, EventsStack.TopicArn);
assert.ok(BillingStack.QueueUrl);
