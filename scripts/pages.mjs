// The pages for operators in docs/phones: one for each vendor's folder, each with the same sections in the same order, so
// that an operator finds with the next vendor what the last one's page had. What nobody has verified is a section of each.
//
//   node scripts/pages.mjs      prints what is wrong; exit 1 if anything is
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const VENDORS = 'crates/provision/src/vendor';
const PAGES = 'docs/phones';
const SECTIONS = [
  'Pointing the phone at Ringfence',
  'First boot',
  'Sealing',
  'Re-key',
  'Settings',
  'Time',
  'NOTIFY',
  'HTTPS',
  'What is not verified',
];
// From where an operator comes to a page.
const FROM = ['README.md', 'docs/first-phone.md'];

const wrong = [];
const vendors = readdirSync(VENDORS).filter((name) => statSync(join(VENDORS, name)).isDirectory());
const pages = readdirSync(PAGES).map((name) => name.replace(/\.md$/, ''));
for (const vendor of vendors.filter((name) => !pages.includes(name))) wrong.push(`${PAGES}/${vendor}.md: the vendor has no page`);

for (const vendor of pages) {
  const page = `${PAGES}/${vendor}.md`;
  if (!vendors.includes(vendor)) wrong.push(`${page}: there is no vendor ${vendor}`);
  const text = readFileSync(page, 'utf8').replace(/^([ \t]*)```[\s\S]*?^\1```/gm, '…');
  const [head, ...sections] = text.split(/^## +/m);
  // The records of its families are put in below the first paragraph.
  if (!/^# .+\n\n[^\s#|<]/.test(head)) wrong.push(`${page}: below its title is no paragraph`);
  const titles = sections.map((section) => section.split('\n')[0].trim());
  if (titles.join('\n') !== SECTIONS.join('\n'))
    wrong.push(`${page}: its sections are ${titles.join(', ')}; they are to be ${SECTIONS.join(', ')}`);
  for (const [at, section] of sections.entries()) {
    const said = section
      .slice(section.indexOf('\n'))
      .replace(/^#+ .*$/gm, '')
      .trim();
    if (said === '') wrong.push(`${page}: ${titles[at]} says nothing`);
    if (titles[at] !== SECTIONS.at(-1)) continue;
    if (!/\bon a (handset|base|device)\b/.test(text)) wrong.push(`${page}: it does not say whether it was tried on a handset`);
    if (!/^\*\*Not found\*\*/m.test(said)) wrong.push(`${page}: ${titles[at]} does not say what was not found`);
  }
  for (const from of FROM.filter(existsSync))
    if (!readFileSync(from, 'utf8').includes(`phones/${vendor}.md)`)) wrong.push(`${from}: it does not lead to ${page}`);
}
for (const line of wrong) console.error(line);
process.exit(wrong.length === 0 ? 0 : 1);
