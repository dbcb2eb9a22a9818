// Opens every page of a folder in headless Chromium: light and dark, as wide as a telephone and as a screen, closed and with all
// details open. Fails on horizontal overflow, console errors, requests, scripts that run, and findings of axe-core. The arguments
// are the folder and, if pictures are to be saved, their folder. CHROMIUM names the browser.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const [folder, screens] = process.argv.slice(2);
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
if (!fs.existsSync(executablePath)) {
  console.error(`${executablePath} is missing: apt-get install chromium, or set CHROMIUM`);
  process.exit(1);
}
const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const problems = new Set();

// look opens a page once, and reports what is wrong with it.
async function look(browser, name, colorScheme, width) {
  const report = (problem) => problems.add(`${name}, ${colorScheme}, ${width} px: ${problem}`);
  const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 }, reducedMotion: 'reduce' });
  const page = await context.newPage();
  const url = pathToFileURL(path.resolve(folder, name)).href;
  page.on('console', (message) => message.type() === 'error' && report(`console: ${message.text()}`));
  page.on('pageerror', (error) => report(`error: ${error.message}`));
  page.on('dialog', (dialog) => report(`dialog: ${dialog.message()}`) ?? dialog.dismiss());
  page.on('request', (request) => request.url() !== url && !request.url().startsWith('data:') && report(`request: ${request.url()}`));
  await page.goto(url);
  if (screens) {
    fs.mkdirSync(screens, { recursive: true });
    await page.screenshot({ path: path.join(screens, `${path.parse(name).name}-${colorScheme}-${width}.png`), fullPage: name !== 'large.html' });
  }
  await keyboard(page, report);
  // CDP evaluates what a test asks, whatever the page's own policy forbids.
  await page.evaluate(() => document.querySelectorAll('details').forEach((details) => { details.open = true; }));
  const wide = await page.evaluate(() => Math.max(document.documentElement.scrollWidth, document.body.scrollWidth) - document.documentElement.clientWidth);
  if (wide > 0) {
    report(`is ${wide} px too wide`);
  }
  if (await page.evaluate(() => document.scripts.length > 0)) {
    report('has a script');
  }
  if (name !== 'large.html') {
    await page.evaluate(axe);
    const found = await page.evaluate(() => axe.run(document, { resultTypes: ['violations'] }));
    for (const violation of found.violations) {
      report(`axe: ${violation.id}: ${violation.help}: ${violation.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(' | ')}`);
    }
  }
  await context.close();
}

// keyboard opens the first details without a mouse.
async function keyboard(page, report) {
  const summary = page.locator('summary').first();
  if ((await summary.count()) === 0) {
    return;
  }
  const open = () => summary.evaluate((element) => element.parentElement.open);
  const before = await open();
  await summary.focus();
  await page.keyboard.press('Enter');
  if ((await open()) === before) {
    report('the keyboard does not open the first row');
  }
}

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
const names = fs.readdirSync(folder).filter((file) => file.endsWith('.html')).sort();
for (const name of names) {
  for (const colorScheme of ['light', 'dark']) {
    for (const width of [360, 1280]) {
      await look(browser, name, colorScheme, width);
    }
  }
}
await browser.close();
console.log(`${names.length} pages, light and dark, in 360 and 1280 px: ${problems.size} problems`);
for (const problem of problems) {
  console.error(problem);
}
process.exitCode = problems.size > 0 || names.length === 0 ? 1 : 0;
