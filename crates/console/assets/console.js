// Shows times in the viewer's own zone; the page has them in UTC.
const format = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const local = (root) => {
  for (const time of root.querySelectorAll('time[datetime]:not([data-local])')) {
    time.title = time.textContent;
    time.textContent = format.format(new Date(time.dateTime));
    time.dataset.local = '';
  }
};
local(document);
// Parts of a page that are brought up to date have new times in them.
new MutationObserver(() => local(document)).observe(document.body, { childList: true, subtree: true });
// A message about what was typed is read out, and where it is said.
document.querySelector('.problem')?.focus();
// A file goes into the field that one could also paste it into, so that the server reads one kind of form.
for (const picker of document.querySelectorAll('input[type=file][data-into]')) {
  picker.closest('.field').hidden = false;
  picker.addEventListener('change', async () => {
    const [file] = picker.files;
    if (file) document.getElementById(picker.dataset.into).value = await file.text();
  });
}
// Whoever goes by keyboard stays where they are when such a part is replaced.
let place;
const stops = (live) => [...live.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')];
document.addEventListener('htmx:beforeSwap', ({ detail: { target } }) => {
  place = stops(target).indexOf(document.activeElement);
});
document.addEventListener('htmx:afterSettle', () => {
  const live = document.getElementById('live');
  if (live && place >= 0 && document.activeElement === document.body) stops(live)[place]?.focus({ preventScroll: true });
});
