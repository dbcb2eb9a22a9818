import fs from 'node:fs';
import path from 'node:path';
import { address } from './links.mjs';

// The pages of docs that a reader needs first, in this order; the others follow by title.
const first = ['docs/README.md', 'docs/overview.md', 'docs/operations.md', 'docs/troubleshooting.md', 'docs/faq.md'];

const folders = {
  'docs/getting-started': 'Getting started',
  'docs/use-cases': 'Use cases',
  'docs/migration': 'Migration',
  'docs/data-models': 'Data models',
  'docs/adr': 'Decisions',
};

// sidebar lists the pages of docs/index.json by folder.
export function sidebar(root) {
  const { pages } = JSON.parse(fs.readFileSync(path.join(root, 'docs/index.json'), 'utf8'));
  const groups = group(pages);
  const section = (name, collapsed) => ({ text: folders[name] ?? path.basename(name), collapsed, items: (groups[name] ?? []).sort(byOrder).map(entry) });
  const others = Object.keys(groups).filter((name) => name !== 'docs').sort((a, b) => order(a) - order(b));
  return [
    { text: 'AphexPipeline', items: [{ text: 'Introduction', link: '/' }] },
    ...others.filter((name) => name === 'docs/getting-started').map((name) => section(name, false)),
    { text: 'Documents', items: groups.docs.sort(byOrder).map(entry) },
    ...others.filter((name) => name !== 'docs/getting-started').map((name) => section(name, true)),
    {
      text: 'In the repository',
      items: [
        { text: 'The construct', link: '/construct/' },
        { text: 'Images', link: '/images/' },
        { text: 'Contributing', link: '/CONTRIBUTING' },
        { text: 'Changelog', link: '/CHANGELOG' },
      ],
    },
  ];
}

const folder = ({ path: file }) => path.posix.dirname(file);

function group(pages) {
  const groups = {};
  for (const page of pages) {
    (groups[folder(page)] ??= []).push(page);
  }
  return groups;
}

function order(name) {
  const at = Object.keys(folders).indexOf(name);
  return at < 0 ? Object.keys(folders).length : at;
}

function byOrder(a, b) {
  const rank = ({ path: file }) => (first.includes(file) ? first.indexOf(file) : first.length);
  return rank(a) - rank(b) || (a.path.includes('/adr/') ? a.path.localeCompare(b.path) : a.title.localeCompare(b.title));
}

const entry = ({ path: file, title }) => ({ text: title.replaceAll('`', ''), link: address(file) });
