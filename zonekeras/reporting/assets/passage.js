// A passage with spans of it marked; spans may overlap.

// Splits a text where a span begins or ends: pieces of text with the names of the spans
// that cover them. Spans are [name, start, end] in Unicode characters.
function splitBySpans(text, spans) {
  const characters = Array.from(text);
  const known = spans.filter(([, start, end]) =>
    start >= 0 && end > start && start < characters.length);
  const edges = new Set([0, characters.length]);
  for (const [, start, end] of known) edges.add(start).add(Math.min(end, characters.length));
  const places = [...edges].sort((a, b) => a - b);
  return places.slice(0, -1).map((from, i) => ({
    text: characters.slice(from, places[i + 1]).join(''),
    names: [...new Set(known.filter(([, start, end]) => start <= from && from < end)
      .map(([name]) => name))],
  }));
}

function passageElement(question, before, after) {
  const [title, text] = passageOf(question);
  const golds = data.questions.answers[question].map(([answer, start]) =>
    ['gold', start, start + Array.from(answer).length]);
  const spans = [...golds, ['before', before.start, before.end],
    ['after', after.start, after.end]];
  const pieces = splitBySpans(text, spans).map((piece) => piece.names.length
    ? element('mark', { class: piece.names.join(' '),
      title: piece.names.join(', ') }, piece.text)
    : piece.text);
  return [
    title ? element('h3', {}, title) : '',
    element('div', { class: 'key' }, ['gold', 'before', 'after'].map((name) =>
      element('mark', { class: name }, name))),
    element('div', { class: 'passage' }, pieces),
  ];
}
