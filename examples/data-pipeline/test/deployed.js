const assert = require('node:assert');

const { LakeStack, TransformStack } = require(process.env.STACK_OUTPUTS);
assert.ok(LakeStack.RawBucket);
assert.match(TransformStack.StateMachineArn, /^arn:aws:states:/);
