// Runs after each deployment, with the outputs of the environment's stacks.
const assert = require('node:assert');

const { OrdersStack } = require(process.env.STACK_OUTPUTS);
assert.match(OrdersStack.QueueUrl, new RegExp(`${process.env.AWS_REGION}.*${process.env.AWS_ACCOUNT}`));
assert.equal(OrdersStack.LogLevelInUse, process.env.LOG_LEVEL);
console.log(`${process.env.ENVIRONMENT_NAME}: ${OrdersStack.QueueUrl}`);
