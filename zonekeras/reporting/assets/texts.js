// A text, or both of a pair, with the gold label and what was answered.

function passageElement(question, before, after) {
  const first = data.questions.text[question];
  const second = data.questions.pair[question];
  const [[gold]] = data.questions.answers[question];
  const shown = second === null ? [['text', first]] : [['first', first], ['second', second]];
  return [
    ...shown.flatMap(([name, text]) =>
      [element('h3', {}, name), element('div', { class: 'passage' }, text)]),
    table(['', 'label', 'probability'], [['gold', gold, ''],
      ['before', before.text, percent(before.probability)],
      ['after', after.text, percent(after.probability)]]),
  ];
}
