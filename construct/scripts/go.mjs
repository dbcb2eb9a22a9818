// Builds the Go package of the construct into dist/go, and synthesizes the example of the README with it into
// dist/go-example/cdk.out. It needs Go, and the Go modules of the CDK.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const run = (folder, program, ...args) => execFileSync(program, args, { cwd: at(folder), stdio: 'inherit', env: { ...process.env, CDK_OUTDIR: 'cdk.out' } });

const [, example] = /```go\n(.*?)```/s.exec(readFileSync(at('../README.md'), 'utf8'));
run('..', 'node_modules/.bin/jsii-pacmak', '--targets', 'go', '--code-only', '--outdir', 'dist', '.');
mkdirSync(at('../dist/go-example'), { recursive: true });
writeFileSync(at('../dist/go-example/main.go'), example);
writeFileSync(at('../dist/go-example/go.mod'), [
  'module example.com/my-pipeline', 'go 1.26.0', 'replace github.com/aphex/aphex-pipeline-go/aphexpipeline => ../go/aphexpipeline', '',
].join('\n\n'));
run('../dist/go-example', 'go', 'mod', 'tidy');
run('../dist/go-example', 'go', 'build', '-o', 'example', '.');
run('../dist/go-example', './example');
