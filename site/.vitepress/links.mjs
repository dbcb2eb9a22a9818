import path from 'node:path';

const repository = 'https://github.com/aphex/aphex-pipeline/blob/main/';

// isPage tells whether a file of the repository is a page of the site.
export function isPage(file) {
  return /^(README|CONTRIBUTING|CHANGELOG)\.md$|^(construct|images)\/README\.md$|^docs\/.*\.md$/.test(file);
}

// isImage tells whether a file of the repository is a picture in a page.
export function isImage(file) {
  return /^docs\/images\/.*\.png$/.test(file);
}

// links makes links between files of the repository work in the site: to a page that is in the site, else to GitHub.
export function links(md) {
  md.core.ruler.push('links', ({ tokens, env }) => {
    for (const token of tokens.flatMap((t) => t.children ?? [])) {
      const attribute = token.type === 'link_open' ? 'href' : token.type === 'image' ? 'src' : undefined;
      const target = attribute && token.attrGet(attribute);
      if (!target || /^([a-z]+:|#|\/)/.test(target)) {
        continue;
      }
      const [name, anchor] = target.split('#');
      // env.relativePath is the page in the site, where README.md is index.md.
      const file = path.posix.join(path.posix.dirname(env.relativePath), name);
      if (isImage(file)) {
        continue; // the site has a copy at the same place
      }
      const hash = anchor ? `#${anchor}` : '';
      token.attrSet(attribute, isPage(file) ? address(file) + hash : repository + file + hash);
    }
  });
}

// address is where the site has a file of the repository.
export function address(file) {
  return `/${file.replace(/(^|\/)README\.md$/, '$1').replace(/\.md$/, '')}`;
}
