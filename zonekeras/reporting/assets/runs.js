// The runs of which this page's is one: scores, links, means and each run's effect.

const runsView = { configuration: null };

function drawRuns() {
  const { names, links, here, means, scores, configurations } = data.runs;
  const name = SCORES[state.score];
  const known = Object.keys(configurations);
  const selected = data.configurations[state.selected]?.name;
  if (known.includes(selected)) runsView.configuration = selected;
  runsView.configuration ??= known[0];
  const found = configurations[runsView.configuration][state.score];
  const chart = element('div', { class: 'chart', role: 'img' });
  byId('panel-runs').replaceChildren(
    scoreChoice(),
    element('p', {}, element('a', { href: means }, `Means of all ${names.length} runs`)),
    table(['run', `${name} with nothing masked`], names.map((one, number) => [
      number === here ? `${one} (this page)` : element('a', { href: links[number] }, one),
      scores[state.score][number].toFixed(3)])),
    element('h2', {}, `${name} effect in each run`),
    element('div', { class: 'toolbar' },
      dropDown('Masked', known.map((one) => [one, one]), runsView.configuration,
        (value) => {
          runsView.configuration = value;
          state.selected = data.configurations.findIndex((one) => one.name === value);
          refreshSelection();
          drawRuns();
          byId('panel-runs').querySelector('select').focus();
        })),
    chart,
    table(['configuration', 'mean', 'deviation', '95 % interval', 'p', 'q', ...names],
      known.map((one) => {
        const row = configurations[one][state.score];
        const mark = row.q !== null && row.q < data.false_discovery_rate ? ' *' : '';
        return [one, signed(row.effect, 2), row.deviation.toFixed(2),
          interval(row.low, row.high, 2), probability(row.p),
          `${probability(row.q)}${mark}`, ...row.runs.map((effect) => signed(effect, 2))];
      })),
    element('p', { class: 'muted' }, 'Effects in points. Deviations are over the runs, '
      + 'intervals and tests over runs and __groups__. * survives a false discovery rate of '
      + `${100 * data.false_discovery_rate} % over all that every run masked. In names `
      + 'layers and heads count from 0.'));
  drawIntervals(chart, ['mean', ...names.map((one, number) => `${number + 1}: ${one}`)],
    [[found.effect, found.low, found.high],
      ...found.runs.map((effect) => [effect, null, null])], `${name} effect (points)`);
}
