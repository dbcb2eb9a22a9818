// With a commandRoleArn that may invoke the function, call it here. Without one, tests can read outputs.
const assert = require('node:assert');

const { NotesStack } = require(process.env.STACK_OUTPUTS);
assert.match(NotesStack.Url, /^https:/);
assert.ok(NotesStack.FunctionName);
