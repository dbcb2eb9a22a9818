// Runs after a deployment: a note for people of what is where, from the outputs of the stacks.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const environment = process.env.ENVIRONMENT_NAME;
const outputs = JSON.parse(readFileSync(process.env.STACK_OUTPUTS, 'utf8'));
const lines = [`# The ${environment} shop`, '', `Commit ${process.env.COMMIT_SHA}`];
for (const [stack, values] of Object.entries(outputs)) {
  lines.push('', `## ${stack}`, ...Object.entries(values).map(([key, value]) => `- ${key}: ${value}`));
}
mkdirSync('reports', { recursive: true });
writeFileSync(`reports/release-${environment}.md`, lines.join('\n') + '\n');
console.log(`release note: reports/release-${environment}.md`);
