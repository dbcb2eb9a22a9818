// Second half of `npm run build`: puts what the build is for into ./artifacts, with a note of what it is.
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const built = 'dist/lambda/orders';
const artifacts = 'artifacts';
const { name, version } = JSON.parse(readFileSync('package.json', 'utf8'));

rmSync(artifacts, { recursive: true, force: true });
mkdirSync(artifacts);
cpSync(built, path.join(artifacts, 'orders'), { recursive: true });

const files = Object.fromEntries(readdirSync(built).sort().map((file) => [file, sha256(path.join(built, file))]));
const info = { name, version, commit: process.env.COMMIT_SHA, node: process.version, files };
writeFileSync(path.join(artifacts, 'build-info.json'), JSON.stringify(info, null, 2) + '\n');
console.log(`packaged ${Object.keys(files).length} files of ${built} into ${artifacts}`);

function sha256(file) {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}
