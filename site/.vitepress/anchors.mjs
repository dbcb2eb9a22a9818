// slug is the anchor that GitHub gives a heading: docs/index.json and links between pages have the same ones.
export function slug(title) {
  return title
    .replace(/[^\p{L}\p{N}\-_ ]/gu, '')
    .toLowerCase()
    .replaceAll(' ', '-');
}
