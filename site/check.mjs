// Opens every page of the built site in headless Chromium, as wide as a telephone and as a screen, without a network, and fails
// on horizontal overflow, console errors, requests to other hosts, dead links, diagrams that are not drawn, and a search that
// finds nothing. CHROMIUM names the browser.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const site = fileURLToPath(new URL('../bin/site', import.meta.url));
const widths = [360, 1280];
const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.woff2': 'font/woff2', '.json': 'application/json' };

const problems = new Set();
const report = (page, problem) => problems.add(`${page}: ${problem}`);

function serve() {
  return new Promise((started) => {
    const server = http.createServer((request, response) => {
      const name = decodeURIComponent(new URL(request.url, 'http://site').pathname);
      const file = path.join(site, name.endsWith('/') ? `${name}index.html` : name);
      if (!file.startsWith(site) || !fs.existsSync(file) || fs.statSync(file).isDirectory()) {
        response.writeHead(404).end();
        return;
      }
      response.writeHead(200, { 'content-type': types[path.extname(file)] ?? 'application/octet-stream' });
      fs.createReadStream(file).pipe(response);
    });
    server.listen(0, '127.0.0.1', () => started(server));
  });
}

// look opens a page in all widths, and returns its anchors and the links that it has.
async function look(context, origin, name) {
  const page = await context.newPage();
  page.on('console', (message) => message.type() === 'error' && report(name, `console: ${message.text()}`));
  page.on('pageerror', (error) => report(name, `error: ${error.message}`));
  page.on('requestfailed', (request) => request.failure()?.errorText !== 'net::ERR_ABORTED' && report(name, `request failed: ${request.url()}`));
  await page.setViewportSize({ width: widths[0], height: 800 });
  await page.goto(`${origin}/${name}`, { waitUntil: 'networkidle' });
  const diagrams = page.locator('.diagram');
  for (let i = 0; i < (await diagrams.count()); i++) {
    await diagrams.nth(i).locator('svg').waitFor({ timeout: 10_000 }).catch(() => report(name, `diagram ${i + 1} is not drawn`));
  }
  for (const width of widths) {
    await page.setViewportSize({ width, height: 800 });
    const wide = await page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement;
      return scrollWidth > clientWidth ? scrollWidth : 0;
    });
    if (wide > 0) {
      report(name, `is ${wide} px wide in a window of ${width} px`);
    }
    if (process.env.SCREENS) {
      fs.mkdirSync(process.env.SCREENS, { recursive: true });
      await page.screenshot({ path: path.join(process.env.SCREENS, `${name.replaceAll('/', '_')}-${width}.png`) });
    }
  }
  const found = await page.evaluate(() => ({
    anchors: [...document.querySelectorAll('[id]')].map((element) => element.id),
    links: [...document.querySelectorAll('.vp-doc a[href], .VPSidebar a[href]')].map((link) => link.href),
  }));
  await page.close();
  return found;
}

function checkLinks(origin, pages) {
  for (const [name, { links }] of pages) {
    for (const link of links.map((href) => new URL(href)).filter((url) => url.origin === origin)) {
      const file = link.pathname.slice(1);
      const target = pages.get(file === '' || file.endsWith('/') ? `${file}index.html` : file);
      if (!target) {
        report(name, `links to ${link.pathname}, which the site does not have`);
      } else if (link.hash && !target.anchors.includes(decodeURIComponent(link.hash.slice(1)))) {
        report(name, `links to ${link.pathname}${link.hash}, which is no heading`);
      }
    }
  }
}

// search types a word as a reader does, and opens the first result.
async function search(context, origin) {
  const page = await context.newPage();
  await page.setViewportSize({ width: widths[1], height: 800 });
  await page.goto(origin, { waitUntil: 'networkidle' });
  await page.locator('.VPNavBarSearch button').first().click();
  await page.locator('#localsearch-input').fill('rollback');
  const first = page.locator('#localsearch-list a').first();
  await first.waitFor({ timeout: 10_000 }).then(
    async () => {
      await first.click();
      await page.waitForURL((url) => url.pathname !== '/', { timeout: 10_000 }).catch(() => report('search', 'the first result opens no page'));
    },
    () => report('search', 'finds nothing for "rollback"'),
  );
  await page.close();
}

const server = await serve();
const origin = `http://127.0.0.1:${server.address().port}`;
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
const context = await browser.newContext();
await context.route(
  (url) => url.origin !== origin,
  (route) => {
    report('site', `asks another host: ${route.request().url()}`);
    return route.abort();
  },
);
const names = fs.readdirSync(site, { recursive: true }).filter((file) => file.endsWith('.html') && file !== '404.html');
const pages = new Map();
for (const name of names.sort()) {
  pages.set(name, await look(context, origin, name));
}
checkLinks(origin, pages);
await search(context, origin);
await browser.close();
server.close();

console.log(`${pages.size} pages in ${widths.join(' and ')} px: ${problems.size} problems`);
for (const problem of problems) {
  console.error(problem);
}
process.exitCode = problems.size > 0 || pages.size < 30 ? 1 : 0;
