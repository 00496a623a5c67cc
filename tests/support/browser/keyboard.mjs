// A page as somebody without a mouse has it: where Tab leads, and whether one sees where one is.

/** What Tab may lead to, in the page's own order; below open shadow roots too. It runs in the page. */
function prepare() {
  const { document, getComputedStyle } = globalThis;
  const FOCUSABLE = 'a[href], button, input, select, textarea, summary, [tabindex="0"], [contenteditable="true"]';
  const stops = [];
  const walk = (root) => {
    for (const node of root.querySelectorAll('*')) {
      if (node.matches(FOCUSABLE) && !node.disabled && node.tabIndex >= 0 && node.checkVisibility({ visibilityProperty: true }))
        stops.push(node);
      if (node.shadowRoot) walk(node.shadowRoot);
    }
  };
  walk(document);
  const name = (node) =>
    `<${node.localName}> ${node.id || node.name || node.ariaLabel || node.textContent.trim().slice(0, 40) || node.className}`;
  /** How it looks, as far as that may show where the focus is; of an editor, its frame. */
  const look = (node) => {
    const style = getComputedStyle(node);
    const own = ['outlineStyle', 'outlineWidth', 'outlineColor', 'boxShadow', 'backgroundColor', 'borderColor', 'left'].map(
      (part) => style[part],
    );
    const frame = node.closest('.cm-editor');
    return JSON.stringify([own, frame && frame !== node ? look(frame) : null]);
  };
  const before = new Map(stops.map((node) => [node, look(node)]));
  const seen = [];
  const doubts = [];
  const state = {
    expected: stops.map(name),
    seen: [],
    unseen: [],
    over: false,
  };
  document.addEventListener('focusin', (event) => {
    const [node] = event.composedPath();
    if (state.over || node === seen.at(-1)) return;
    if (node === seen[0]) {
      state.over = true;
      return;
    }
    // What scrolls can be scrolled by keyboard, also where nothing else can be done there.
    const scrolls = node.scrollWidth > node.clientWidth || node.scrollHeight > node.clientHeight;
    if (!before.has(node) && scrolls) return;
    seen.push(node);
    state.seen.push(name(node));
    const { width, height } = node.getBoundingClientRect();
    const differs = !before.has(node) || before.get(node) !== look(node);
    if (width === 0 || height === 0) state.unseen.push(name(node));
    else if (!differs) doubts.push(node);
  });
  globalThis.keyboard = state;
  // An editor's frame shows the focus a moment later.
  globalThis.lookAgain = async () => {
    for (const node of doubts) {
      node.focus();
      await new Promise((resolve) => setTimeout(resolve, 200));
      if (before.get(node) === look(node)) state.unseen.push(name(node));
    }
    return state;
  };
}

/**
 * Goes through the page by Tab until it is at its beginning again: `expected` is what can be reached, `seen` what
 * was, in that order, `unseen` where nothing showed the focus.
 */
export async function tabThrough(page) {
  await page.evaluate(prepare);
  const { expected } = await page.evaluate(() => globalThis.keyboard);
  // A field of a date takes several steps; whoever is caught comes to no end.
  for (let pressed = 0; pressed < 40 + 6 * expected.length; pressed += 8) {
    // As somebody who holds the key: it repeats, and what is painted is where eight of them lead to, not each step.
    await Promise.all(Array.from({ length: 8 }, () => page.keyboard.down('Tab')));
    await page.keyboard.up('Tab');
    if (await page.evaluate(() => globalThis.keyboard.over)) break;
  }
  return page.evaluate(() => globalThis.lookAgain());
}
