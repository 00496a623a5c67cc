// Shows times in the viewer's own zone; the page has them in UTC.
const format = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const hour = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });
const local = (root) => {
  for (const time of root.querySelectorAll('time[datetime]:not([data-local])')) {
    time.title = time.textContent;
    time.textContent = ('hour' in time.dataset ? hour : format).format(new Date(time.dateTime));
    time.dataset.local = '';
  }
  // A bar of the chart says its hour in a text of its own.
  for (const title of root.querySelectorAll('title[data-words]:not([data-local])')) {
    title.textContent = title.dataset.words.replace('{}', () => hour.format(new Date(title.dataset.hour)));
    title.dataset.local = '';
  }
};
local(document);
// Whoever goes by keyboard stays where they are when a part of the page is replaced.
const stops = (live) => [...live.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')];
let place = -1;
document.addEventListener('focusin', ({ target }) => {
  const live = target.closest('#live');
  place = live ? stops(live).indexOf(target) : -1;
});
document.addEventListener('pointerdown', () => (place = -1));
// Parts of a page that are brought up to date have new times in them.
new MutationObserver(() => {
  local(document);
  const live = document.getElementById('live');
  if (live && place >= 0 && document.activeElement === document.body) stops(live)[place]?.focus({ preventScroll: true });
}).observe(document.body, { childList: true, subtree: true });
// On a narrow screen a navigation is scrolled to where one is.
for (const here of document.querySelectorAll('nav [aria-current]')) {
  const list = here.closest('ul');
  list.scrollLeft = here.offsetLeft - list.offsetLeft - (list.clientWidth - here.offsetWidth) / 2;
}
// A message about what was typed is read out, and where it is said.
document.querySelector('.problem')?.focus();
// A one-time code stands behind the `#` of a link, where no request and no log has it. It goes into the form that
// posts it, and out of the address bar and the history. A person presses the button: programs that open links to look
// at them use no code up.
const byCode = document.getElementById('by-code');
const code = new URLSearchParams(location.hash.slice(1)).get('code');
if (byCode && code) {
  byCode.elements.code.value = code;
  byCode.closest('section').hidden = false;
  history.replaceState(null, '', location.pathname + location.search);
}
// MACs are looked at as they are typed; the server looks closer, and says what is wrong with each.
const digits = (text) => text.replace(/[:.-]/g, '').toLowerCase();
const isMac = (text) => /^[0-9a-f]{12}$/.test(digits(text));
for (const area of document.querySelectorAll('textarea[data-macs]')) {
  const said = document.getElementById(area.dataset.macs);
  area.addEventListener('input', () => {
    const typed = area.value.split(/[\s,;]+/).filter(Boolean);
    const bad = typed.filter((text) => !isMac(text));
    const shown = bad.slice(0, 5).map((text) => text.slice(0, 40));
    const words = bad.length ? said.dataset.bad : said.dataset.good;
    const value = bad.length
      ? shown.join(', ') + (bad.length > shown.length ? ' …' : '')
      : new Set(typed.map(digits)).size.toLocaleString('en');
    said.textContent = typed.length ? words.replace('{}', () => value) : '';
    area.setAttribute('aria-invalid', String(bad.length > 0));
  });
}
// A file goes into the field that one could also paste it into, so that the server reads one kind of form.
for (const picker of document.querySelectorAll('input[type=file][data-into]')) {
  picker.closest('.field').hidden = false;
  picker.addEventListener('change', async () => {
    const [file] = picker.files;
    if (file) document.getElementById(picker.dataset.into).value = await file.text();
  });
}
