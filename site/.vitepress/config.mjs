import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitepress';
import { slug } from './anchors.mjs';
import { links } from './links.mjs';
import { sidebar } from './sidebar.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

// withoutInterpolation shows two opening braces as they are: they begin no expression of Vue.
function withoutInterpolation(md) {
  for (const rule of ['text', 'code_inline', 'code_block']) {
    const render = md.renderer.rules[rule];
    md.renderer.rules[rule] = (...token) => render(...token).replaceAll('{{', '&#123;&#123;');
  }
}

export default defineConfig({
  title: 'AphexPipeline',
  description: 'A delivery pipeline for AWS CDK applications on Argo Workflows',
  base: process.env.SITE_BASE ?? '/',
  srcDir: 'pages', // which pages.mjs writes
  outDir: path.join(root, 'bin/site'),
  cacheDir: path.join(root, '.cache/site'),
  cleanUrls: false,
  lastUpdated: false,
  vite: { build: { chunkSizeWarningLimit: 4096 } },
  markdown: {
    anchor: { slugify: slug },
    toc: { slugify: slug },
    theme: { light: 'github-light-high-contrast', dark: 'github-dark' },
    config(md) {
      links(md);
      withoutInterpolation(md);
      const fence = md.renderer.rules.fence;
      md.renderer.rules.fence = (tokens, index, ...rest) =>
        tokens[index].info.trim() === 'mermaid'
          ? `<Mermaid code="${encodeURIComponent(tokens[index].content)}" />\n`
          : fence(tokens, index, ...rest);
    },
  },
  themeConfig: {
    sidebar: sidebar(root),
    outline: [2, 3],
    search: { provider: 'local' },
    nav: [
      { text: 'Configuration', link: '/docs/configuration' },
      { text: 'Commands', link: '/docs/cli' },
      { text: 'Operations', link: '/docs/operations' },
    ],
    footer: { message: 'MIT License' },
  },
});
