// Effects in groups of questions.

const GROUPING_NAMES = { question_type: 'question type',
  answer_length: 'answer length (words)', passage_length: 'passage length (words)',
  overlap: 'question words in the passage (%)' };
const groupView = { grouping: 0, configuration: null };

function groupingName(grouping) {
  return GROUPING_NAMES[grouping.name] ?? grouping.name;
}

function strongest() {
  const effects = data.configurations.map((one) => one.scores[state.score].effect);
  return effects.indexOf(Math.min(...effects));
}

function drawGroups() {
  const panel = byId('panel-groups');
  groupView.configuration = state.selected ?? groupView.configuration ?? strongest();
  const grouping = data.groups[groupView.grouping];
  const effects = grouping.effects[state.score][groupView.configuration];
  const name = SCORES[state.score];
  const chart = element('div', { class: 'chart', role: 'img' });
  panel.replaceChildren(
    scoreChoice(),
    element('div', { class: 'toolbar' },
      dropDown('By', data.groups.map((one, i) => [String(i), groupingName(one)]),
        String(groupView.grouping), (value) => redrawGroups('grouping', value)),
      dropDown('Masked', data.configurations.map((_, i) => [String(i), titleOf(i)]),
        String(groupView.configuration),
        (value) => redrawGroups('configuration', value))),
    element('h2', {}, `${name} effect of ${titleOf(groupView.configuration)} by `
      + groupingName(grouping)),
    chart,
    table(['group', 'questions', 'passages', `${name} before`, 'effect', '95 % interval'],
      grouping.labels.map((label, i) => [label, count(grouping.num_questions[i]),
        count(grouping.num_passages[i]), grouping.baseline[state.score][i].toFixed(1),
        signed(effects[i][0]), interval(effects[i][1], effects[i][2])])),
    element('p', { class: 'muted' }, 'Passages of a group are resampled. Many groups '
      + 'are shown: some intervals lie beside 0 by chance.'));
  drawIntervals(chart, grouping.labels, effects, `${name} effect (points)`);
}

function redrawGroups(name, value) {
  groupView[name] = Number(value);
  if (name === 'configuration') {
    state.selected = groupView.configuration;
    refreshSelection();
  }
  drawGroups();
  const position = name === 'grouping' ? 0 : 1;
  byId('panel-groups').querySelectorAll('select')[position].focus();
}
