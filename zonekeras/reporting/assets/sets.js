// Sets of configurations that were run in every layer, but the cells: a tab for each.

const SET_TABS = { heads: 'Heads', cumulative: 'Layers up to and from',
  pairs: 'Pairs of zones', only: 'One zone kept' };
const inSets = new Set(data.sets.flatMap(indicesOf));

function indicesOf(set) {
  return set.panels.flatMap(({ rows }) => rows.flat());
}

function makeSetPanels() {
  for (const { name } of data.sets)
    byId('panel-others').before(element('section', { id: `panel-${name}`,
      role: 'tabpanel', 'aria-labelledby': `tab-${name}`, hidden: true }));
}

function selectedIn(set) {
  return indicesOf(set).includes(state.selected) ? state.selected : null;
}

function drawSet(set) {
  const limit = largestEffect(indicesOf(set));
  const card = element('div', { class: 'card', 'aria-live': 'polite',
    id: `details-${set.name}` });
  const grids = set.panels.map(({ title, axis, columns, rows }, number) => [
    title ? element('h2', {}, title) : '',
    element('div', { class: 'axis-label' }, `${axis.toLowerCase()}, by layer`),
    element('div', { class: 'grid-frame' }, effectGrid({
      key: `${set.name}-${number}`, axis: axis.toLowerCase(), columns, limit,
      indexAt: (layer, column) => rows[layer][column],
      show: (index) => showDetails(card, index ?? selectedIn(set)),
    })),
  ]);
  byId(`panel-${set.name}`).replaceChildren(scoreChoice(),
    element('div', { class: 'side-by-side' },
      element('div', {}, grids, gridLegend(limit), element('p', { class: 'muted' },
        'In names layers and heads count from 0.')), card));
  showDetails(card, selectedIn(set));
}
