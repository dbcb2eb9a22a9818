// Runs the renderer of `generator`, which is compiled to WebAssembly, in this process.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { run } from './wasi';

/** The request of construct/wasm. */
export interface Request {
  readonly configuration: string;
  readonly file: string;
  readonly path: string;
  readonly account: string;
  readonly region: string;
  readonly images?: string;
  readonly committed?: string;
}

/** A mistake in a configuration. */
export interface Problem {
  readonly path?: string;
  readonly message: string;
  readonly hint?: string;
}

/** A rendered pipeline. */
export interface Rendered {
  readonly template: Template;
  readonly objects: { readonly items: any[] };
  readonly names: Names;
  readonly metrics?: boolean;
  readonly differs?: boolean;
}

/** A CloudFormation template. */
export interface Template {
  readonly Parameters: { [name: string]: { Default?: string } };
  readonly Resources: { [id: string]: { Type: string; Properties?: { [name: string]: any }; [attribute: string]: any } };
  readonly Outputs: { [name: string]: { Description?: string; Value: any } };
}

/** The names by which the construct refers to a pipeline. */
export interface Names {
  readonly pipeline: string;
  readonly cluster: string;
  readonly exports: { readonly name: string; readonly providerArn: string; readonly kubectlRoleArn: string };
  readonly bucket: string;
  readonly secret: string;
  readonly webhookSecret: string;
  readonly secretKey: string;
  readonly namespace: string;
  readonly template: string;
  readonly stack: string;
  readonly pipelineStack: string;
}

/** What is wrong with a configuration. */
export interface Refusal {
  readonly problems?: Problem[];
  readonly error: string;
  readonly hint?: string;
}

const packageFolder = join(__dirname, '..');

/** The version of this package. */
export const version: string = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')).version;

const asset = (name: string) => readFileSync(join(packageFolder, 'assets', name));

let compiled: { module: any; contracts: any } | undefined;

/** load compiles the renderer once in a process. */
function load() {
  compiled ??= {
    module: new (globalThis as any).WebAssembly.Module(gunzipSync(asset('generator.wasm.gz'))),
    contracts: JSON.parse(asset('contracts.json').toString()),
  };
  return compiled;
}

/** render renders a pipeline. The result is the same for the same request. */
export function render(request: Request): Rendered | Refusal {
  const { module, contracts } = load();
  const ended = run(module, JSON.stringify({ ...request, release: version, contracts }), {
    GOGC: 'off', // one request needs little memory, and collecting it takes a third of the time
  });
  if (ended.code !== 0) {
    throw new Error(`the renderer ended with exit code ${ended.code}: ${ended.stderr.trim()}`);
  }
  return JSON.parse(ended.stdout);
}
