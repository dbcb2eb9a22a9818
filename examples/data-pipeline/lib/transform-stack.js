const { CfnOutput, Duration, Stack } = require('aws-cdk-lib');
const { Rule, Schedule } = require('aws-cdk-lib/aws-events');
const { SfnStateMachine } = require('aws-cdk-lib/aws-events-targets');
const { DefinitionBody, Pass, StateMachine } = require('aws-cdk-lib/aws-stepfunctions');

/** The jobs: each night, from the raw bucket to the curated one. */
class TransformStack extends Stack {
  constructor(scope, id, { raw, curated, ...props }) {
    super(scope, id, props);
    const extract = new Pass(this, 'Extract', { parameters: { from: raw.bucketName } });
    const load = new Pass(this, 'Load', { parameters: { to: curated.bucketName } });
    const nightly = new StateMachine(this, 'Nightly', {
      definitionBody: DefinitionBody.fromChainable(extract.next(load)),
      timeout: Duration.hours(2),
    });
    raw.grantRead(nightly);
    curated.grantWrite(nightly);
    new Rule(this, 'Schedule', { schedule: Schedule.cron({ hour: '2', minute: '0' }), targets: [new SfnStateMachine(nightly)] });
    new CfnOutput(this, 'StateMachineArn', { value: nightly.stateMachineArn });
  }
}

module.exports = { TransformStack };
