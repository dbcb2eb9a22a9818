// Copies the documents of the repository into pages/, from where the generator reads them: it finds its packages only from
// files below this folder.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { isImage, isPage } from './.vitepress/links.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const pages = fileURLToPath(new URL('pages', import.meta.url));

fs.rmSync(pages, { recursive: true, force: true });
const documents = fs.readdirSync(path.join(root, 'docs'), { recursive: true }).map((file) => `docs/${file}`);
for (const file of ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'construct/README.md', 'images/README.md', ...documents].filter((file) => isPage(file) || isImage(file))) {
  const copy = path.join(pages, file.replace(/README\.md$/, 'index.md'));
  fs.mkdirSync(path.dirname(copy), { recursive: true });
  fs.copyFileSync(path.join(root, file), copy);
}
