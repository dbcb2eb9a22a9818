// The table must be in the region of its environment.
const assert = require('node:assert');

const { StoreStack } = require(process.env.STACK_OUTPUTS);
assert.equal(StoreStack.TableArn.split(':')[3], process.env.AWS_REGION);
