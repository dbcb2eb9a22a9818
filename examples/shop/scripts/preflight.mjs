// Runs before a deployment: what is about to be deployed is what was built.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const { version, files } = JSON.parse(readFileSync('artifacts/build-info.json', 'utf8'));
for (const [file, expected] of Object.entries(files)) {
  const found = createHash('sha256').update(readFileSync(`dist/lambda/orders/${file}`)).digest('hex');
  if (found !== expected) {
    console.error(`dist/lambda/orders/${file} is not the file that was built: run "npm run build" again`);
    process.exit(1);
  }
}
console.log(`preflight: shop ${version} is as built, on its way to ${process.env.ENVIRONMENT_NAME}`);
