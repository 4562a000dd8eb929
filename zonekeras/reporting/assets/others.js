// Configurations that are in no grid: neither cells nor in a set that was run whole.

const MOST_IN_CHART = 60;
const others = data.configurations.flatMap(({ layer }, index) =>
  layer === null && !inSets.has(index) ? [index] : []);

function drawOthers() {
  const name = SCORES[state.score];
  const chart = element('div', { class: 'chart', role: 'img' });
  const details = element('div', { class: 'card', 'aria-live': 'polite' });
  const isOther = others.includes(state.selected);
  if (isOther) details.append(...detailsOf(state.selected));
  byId('panel-others').replaceChildren(...[
    scoreChoice(), chart,
    table(['configuration', name, 'effect', '95 % interval', 'p', 'q', 'broken',
      'repaired'], others.map((index) => {
      const { scores, broken, repaired } = data.configurations[index];
      const found = scores[state.score];
      return [
        element('button', { type: 'button', 'data-configuration': index,
          'aria-pressed': String(index === state.selected),
          onclick: () => select(index) }, titleOf(index)),
        found.score.toFixed(2), signed(found.effect, 2),
        interval(found.low, found.high, 2), probability(found.p),
        `${probability(found.q)}${survives(index) ? ' *' : ''}`,
        ...[broken, repaired].map((one) => one === null ? '–' : count(one)),
      ];
    })),
    element('p', { class: 'muted' }, '* survives a false discovery rate of '
      + `${100 * data.false_discovery_rate} % over all that was run. Layers and `
      + 'heads count from 0 in these names.'),
    ...(isOther ? [details] : []),
  ]);
  chart.hidden = others.length > MOST_IN_CHART;
  if (chart.hidden) return;
  drawIntervals(chart, others.map(titleOf), others.map((index) => {
    const { effect, low, high } = data.configurations[index].scores[state.score];
    return [effect, low, high];
  }), `${name} effect (points)`);
}
