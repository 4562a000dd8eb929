// The grid of cells, and the numbers of one configuration.

const cellAt = new Map(data.configurations.flatMap(({ layer, zone }, index) =>
  layer === null ? [] : [[`${layer},${zone}`, index]]));
const hasCells = cellAt.size > 0;

function drawHeatmap() {
  const limit = largestEffect([...cellAt.values()]);
  byId('heatmap').replaceChildren(
    element('div', { class: 'axis-label' }, 'masked zone, by layer'),
    effectGrid({
      key: 'cells', axis: 'zone', columns: data.zones, limit,
      indexAt: (layer, column) => cellAt.get(`${layer},${data.zones[column]}`),
      show: (index) => showDetails(byId('cell-details'), index ?? cellAtSelection()),
    }));
  byId('legend').replaceChildren(...gridLegend(limit));
}

// The numbers of a configuration; of the baseline where none is given.
function showDetails(card, index) {
  const shown = [index, state.selected, state.score].join();
  if (card.dataset.shown === shown) return;
  card.dataset.shown = shown;
  card.replaceChildren(...detailsOf(index));
}

function detailsOf(index) {
  if (index === null)
    return [element('h2', {}, 'Nothing masked'), numbers(
      Object.entries(SCORES).map(([score, name]) =>
        [name, data.scores[score].toFixed(3)])),
    element('p', { class: 'muted' }, 'Point at a cell, or move to it with the arrow '
      + 'keys, for its numbers.')];
  const configuration = data.configurations[index];
  const found = configuration.scores[state.score];
  const detectable = found.detectable === null
    ? 'none with so few __groups__' : `±${found.detectable.toFixed(2)} points`;
  return [element('h2', {}, titleOf(index)), numbers([
    [SCORES[state.score], found.score.toFixed(3)],
    ['effect', `${signed(found.effect, 2)} points`],
    ['95 % interval', interval(found.low, found.high, 2)],
    ['p (permutation)', probability(found.p)],
    ['q (false discovery)', probability(found.q)],
    ['detectable effect', detectable],
    ...(configuration.broken === null ? [] : [
      ['broken, repaired', `${count(configuration.broken)}, `
        + `${count(configuration.repaired)} __items__`],
      ['p (McNemar)', probability(configuration.mcnemar_p)],
    ]),
  ]), element('p', {}, survives(index)
    ? 'Survives the false discovery rate.'
    : 'Does not survive the false discovery rate.'),
  ...(index === state.selected ? [element('button', { type: 'button',
    onclick: () => byId('questions-heading').focus() }, 'Go to its __items__')] : [])];
}
