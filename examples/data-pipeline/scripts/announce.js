// Runs after the last stack: a postDeploy hook must be safe to repeat.
const { TransformStack } = require(process.env.STACK_OUTPUTS);
console.log(`${process.env.ENVIRONMENT_NAME}: nightly jobs run as ${TransformStack.StateMachineArn}`);
