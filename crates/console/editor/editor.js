// The editor of templates: a text area that says while one types what is wrong, at its line. Without this
// script the text area itself is the editor, and the server says the same after saving.

import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { bracketMatching, HighlightStyle, StreamLanguage, syntaxHighlighting } from '@codemirror/language';
import { linter, lintGutter, lintKeymap, setDiagnostics } from '@codemirror/lint';
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search';
import { EditorState } from '@codemirror/state';
import { drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';

import { template } from './template.js';

/** For how long nobody has typed before the server is asked, in milliseconds. */
const PAUSE = 1200;

const colors = HighlightStyle.define([
  { tag: tags.comment, color: 'var(--soft)', fontStyle: 'italic' },
  { tag: tags.processingInstruction, color: 'var(--warn)' },
  { tag: tags.variableName, color: 'var(--link)', fontWeight: '600' },
  { tag: tags.string, color: 'var(--good)' },
  { tag: tags.tagName, color: 'var(--link)' },
  { tag: tags.keyword, color: 'var(--warn)', fontWeight: '600' },
]);

const looks = EditorView.theme({
  '&': { color: 'var(--ink)', backgroundColor: 'var(--paper)', border: '1px solid var(--line)', borderRadius: '.4rem' },
  '&.cm-focused': { outline: '3px solid var(--link)', outlineOffset: '2px' },
  '.cm-scroller': { fontFamily: 'ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace', fontSize: '.9rem', maxHeight: '70vh' },
  '.cm-content': { caretColor: 'var(--ink)', minHeight: '20rem' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '.cm-gutters': { backgroundColor: 'var(--ground)', color: 'var(--soft)', borderRight: '1px solid var(--line)' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'var(--wash)' },
  '&.cm-focused .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'var(--line)' },
  // CodeMirror's own marks are images within its styles, which the page's policy does not load.
  '.cm-lint-marker': { content: '""', width: '.7em', height: '.7em', borderRadius: '50%', backgroundColor: 'var(--bad)' },
  '.cm-lint-marker-error': { content: '""' },
  '.cm-lintRange-error': { backgroundImage: 'none', textDecoration: 'underline wavy var(--bad)', paddingBottom: '0' },
  '.cm-diagnostic-error': { borderLeftColor: 'var(--bad)' },
  '.cm-panels, .cm-tooltip': { backgroundColor: 'var(--paper)', color: 'var(--ink)', borderColor: 'var(--line)' },
});

/** What the server finds wrong: `{ marks: [{ line, text }] }`, a line of 0 for the whole. */
async function check(area, source) {
  const form = area.form;
  const body = new URLSearchParams({ source, typing: 'true', if_match: form.elements.if_match?.value ?? '' });
  const answer = await fetch(form.action, { method: 'POST', body, headers: { accept: 'application/json' } });
  if (!answer.headers.get('content-type')?.startsWith('application/json')) return null;
  return (await answer.json()).marks;
}

/** Marks as CodeMirror shows them. */
function diagnostics(doc, marks) {
  return marks.map(({ line, text }) => {
    const at = doc.line(Math.min(Math.max(line, 1), doc.lines));
    return { from: at.from, to: at.to, severity: 'error', message: text };
  });
}

function open(area) {
  const said = document.getElementById(area.dataset.said);
  const host = document.createElement('div');
  area.before(host);
  // Below a root of its own CodeMirror's styles are sheets of that root, which the page's policy lets pass.
  const root = host.attachShadow({ mode: 'open' });
  const label = document.querySelector(`label[for="${area.id}"]`)?.textContent ?? '';
  let asked = 0;
  const lint = async (view) => {
    const number = (asked += 1);
    const source = view.state.doc.toString();
    if (source === area.defaultValue) {
      said.textContent = '';
      return [];
    }
    const marks = await check(area, source).catch(() => null);
    // Somebody has typed meanwhile, or the server says nothing: what was said last stands no more.
    if (number !== asked || marks === null) return [];
    said.textContent = marks.length > 0 ? marks.map(({ text }) => text).join('\n') : said.dataset.none;
    return diagnostics(view.state.doc, marks);
  };
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: area.value,
      extensions: [
        lineNumbers(),
        history(),
        drawSelection(),
        bracketMatching(),
        highlightActiveLine(),
        highlightActiveLineGutter(),
        highlightSelectionMatches(),
        search({ top: true }),
        StreamLanguage.define(template),
        syntaxHighlighting(colors),
        lintGutter(),
        linter(lint, { delay: PAUSE }),
        keymap.of([...defaultKeymap, ...searchKeymap, ...historyKeymap, ...lintKeymap]),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false', tabindex: '0' }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) area.value = update.state.doc.toString();
        }),
        looks,
      ],
    }),
  });
  // What the server said when it refused to save.
  const marks = JSON.parse(area.dataset.marks || '[]');
  view.dispatch(setDiagnostics(view.state, diagnostics(view.state.doc, marks)));
  area.hidden = true;
  label && document.querySelector(`label[for="${area.id}"]`).addEventListener('click', () => view.focus());
}

for (const area of document.querySelectorAll('textarea[data-said]')) open(area);
