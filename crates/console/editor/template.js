// How a template looks: what minijinja reads, and around it a file of XML or of lines.

const WORDS = /^(?:if|elif|else|endif|for|in|endfor|set|not|and|or|is|true|false|none)\b/;

/** Reads what stands between the marks of minijinja. */
function inside(stream, state) {
  if (stream.match(state.end)) {
    state.end = null;
    return 'processingInstruction';
  }
  if (stream.match(/^"(?:[^"\\]|\\.)*"?/) || stream.match(/^'(?:[^'\\]|\\.)*'?/)) return 'string';
  if (stream.match(WORDS)) return 'keyword';
  if (stream.match(/^[A-Za-z_][\w.]*/)) return 'variableName';
  stream.next();
  return null;
}

/** For `StreamLanguage`. `state.end` is the mark that ends what is being read. */
export const template = {
  name: 'template',
  startState: () => ({ end: null, comment: null }),
  token(stream, state) {
    if (state.comment) {
      const end = stream.string.indexOf(state.comment, stream.pos);
      if (end < 0) stream.skipToEnd();
      else {
        stream.pos = end + state.comment.length;
        state.comment = null;
      }
      return 'comment';
    }
    if (state.end) return inside(stream, state);
    for (const [begin, end] of [
      ['{#', '#}'],
      ['<!--', '-->'],
    ]) {
      if (stream.match(begin)) {
        state.comment = end;
        return 'comment';
      }
    }
    if (stream.match(/^\{\{-?/)) state.end = /^-?\}\}/;
    else if (stream.match(/^\{%-?/)) state.end = /^-?%\}/;
    if (state.end) return 'processingInstruction';
    if (stream.match(/^<\/?[A-Za-z_?][\w.-]*/) || stream.match(/^\/?>/)) return 'tagName';
    stream.next();
    stream.match(/^[^<{>/]+/);
    return null;
  },
};
