// The questions of the selected configuration: filters, search, pages.

const PAGE_SIZE = 25;
const KINDS = {
  ...(RIGHT && { broken: 'broken', repaired: 'repaired' }),
  ...(SHARE && { scored: `${SCORES[SHARE]} changed` }),
  changed: '__answer__ changed', all: 'all' };
const view = { kind: Object.keys(KINDS)[0], group: '', search: '', page: 0 };

function isOfKind(kind, question, before, after) {
  if (kind === 'broken') return before.isRight && !after.isRight;
  if (kind === 'repaired') return !before.isRight && after.isRight;
  if (kind === 'scored') return before.share !== after.share;
  return kind === 'all' || answersOf(state.selected).row[question] >= 0;
}

function isInGroup(group, question) {
  if (!group) return true;
  const [grouping, code] = group.split(',').map(Number);
  return data.groups[grouping].member[question] === code;
}

function hasWords(words, question, before, after) {
  if (!words.length) return true;
  const golds = data.questions.answers[question].map(([text]) => text);
  const text = [data.questions.text[question], data.questions.id[question],
    passageOf(question)[0], ...golds, before.text, after.text].join('\n').toLowerCase();
  return words.every((word) => text.includes(word));
}

function foundQuestions() {
  const words = view.search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = [];
  for (let question = 0; question < numQuestions; question++) {
    if (!isInGroup(view.group, question)) continue;
    if (view.kind !== 'all' && answersOf(state.selected).row[question] < 0) continue;
    const before = answerBefore(question);
    const after = answerAfter(state.selected, question);
    if (isOfKind(view.kind, question, before, after)
      && hasWords(words, question, before, after)) found.push(question);
  }
  return found;
}

function drawQuestions() {
  const section = byId('questions');
  const hasQuestions = ['cells', 'others', ...data.sets.map(({ name }) => name)];
  section.hidden = state.selected === null || !hasQuestions.includes(state.tab);
  if (section.hidden) return;
  const groups = [['', 'all __items__'], ...data.groups.flatMap((grouping, number) =>
    grouping.labels.map((label, code) =>
      [`${number},${code}`, `${groupingName(grouping)}: ${label}`]))];
  const change = (name) => (value) => { view[name] = value; view.page = 0; drawList(); };
  section.replaceChildren(
    element('h2', { id: 'questions-heading', tabindex: -1 },
      `__Items__ under ${titleOf(state.selected)}`),
    choice('Which __items__', KINDS, view.kind, change('kind')),
    element('div', { class: 'toolbar' },
      dropDown('Group', groups, view.group, change('group')),
      element('label', {}, 'Search', element('input', { type: 'search',
        value: view.search, placeholder: '__searched__',
        oninput: (event) => change('search')(event.target.value) }))),
    element('p', { id: 'questions-count', role: 'status' }),
    element('ol', { class: 'questions', id: 'questions-list' }),
    element('div', { class: 'toolbar', id: 'questions-pages' }));
  drawList();
}

function drawList() {
  const found = foundQuestions();
  const numPages = Math.max(1, Math.ceil(found.length / PAGE_SIZE));
  view.page = Math.min(view.page, numPages - 1);
  const first = view.page * PAGE_SIZE;
  const shown = found.slice(first, first + PAGE_SIZE);
  byId('questions-count').textContent = found.length
    ? `${count(first + 1)} to ${count(first + shown.length)} of ${count(found.length)}`
    : 'no such __items__';
  byId('questions-list').replaceChildren(...shown.map(questionItem));
  const turn = (label, page, possible) => element('button', { type: 'button',
    disabled: !possible, onclick: () => {
      view.page = page;
      drawList();
      byId('questions-heading').focus();
    } }, label);
  byId('questions-pages').replaceChildren(
    turn('First', 0, view.page > 0),
    turn('Previous', view.page - 1, view.page > 0),
    element('span', {}, `page ${count(view.page + 1)} of ${count(numPages)}`),
    turn('Next', view.page + 1, view.page < numPages - 1),
    turn('Last', numPages - 1, view.page < numPages - 1));
}

function outcome(before, after) {
  if (before.isRight && !after.isRight) return 'broken';
  if (!before.isRight && after.isRight) return 'repaired';
  if (before.share !== after.share)
    return `${SCORES[SHARE]} ${after.share < before.share ? 'fell' : 'rose'}`;
  if (!RIGHT) return 'scored the same';
  return before.isRight ? 'right' : '__wrong__';
}

function shownAnswer(answer) {
  const text = answer.text || '(no answer)';
  return SHARE ? `${text} · ${SCORES[SHARE]} ${(100 * answer.share).toFixed(0)}` : text;
}

function questionItem(question) {
  const before = answerBefore(question);
  const after = answerAfter(state.selected, question);
  const golds = data.questions.answers[question].map(([text]) => text);
  const body = element('div', { class: 'question-body', hidden: true,
    id: `question-${question}` });
  const head = element('button', {
    type: 'button', class: 'question-head', 'aria-expanded': 'false',
    'aria-controls': body.id,
    onclick: () => {
      if (!body.childNodes.length) body.append(...passageElement(question, before, after));
      body.hidden = !body.hidden;
      head.setAttribute('aria-expanded', String(!body.hidden));
    },
  }, element('span', { class: 'asked' },
    element('span', { class: 'badge' }, outcome(before, after)),
    data.questions.text[question] || '(empty __item__)'),
  element('span', { class: 'answers' },
    element('span', {}, 'gold'),
    element('span', {}, [...new Set(golds)].join(' | ') || '(no answer)'),
    element('span', {}, 'before'), element('span', {}, shownAnswer(before)),
    element('span', {}, 'after'), element('span', {}, shownAnswer(after))));
  return element('li', {}, head, body);
}
