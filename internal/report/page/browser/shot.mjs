// Takes a picture of the newest page in a folder, with the rows of its first deployment open: node shot.mjs FOLDER PICTURE.
// CHROMIUM names the browser.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const [folder, picture] = process.argv.slice(2);
const pages = fs.readdirSync(folder).filter((file) => file.endsWith('.html') && file !== 'index.html').sort();
if (pages.length === 0) {
  console.error(`${folder} has no page of a run`);
  process.exit(1);
}
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
const page = await browser.newPage({ viewport: { width: 960, height: 700 }, colorScheme: 'light' });
await page.goto(pathToFileURL(path.resolve(folder, pages.at(-1))).href);
await page.evaluate(() => document.querySelector('.tl details').setAttribute('open', ''));
await page.screenshot({ path: picture });
await browser.close();
