// The grid of cells. One cell is in the tab order; arrow keys move, Enter selects.

const cellAt = new Map(data.configurations.flatMap(({ layer, zone }, index) =>
  layer === null ? [] : [[`${layer},${zone}`, index]]));
const hasCells = cellAt.size > 0;
// As in the protocol's figures the first layer is at the bottom.
const layersDown = Array.from({ length: data.num_layers },
  (_, i) => data.num_layers - 1 - i);
let focusPlace = { row: 0, column: 0 };

function largestEffect() {
  const effects = [...cellAt.values()].map((index) =>
    Math.abs(data.configurations[index].scores[state.score].effect));
  return Math.max(...effects) || 1;
}

function drawHeatmap() {
  const limit = largestEffect();
  const header = element('div', { role: 'row' }, element('span', {
    role: 'columnheader', 'aria-label': 'layer' }),
  data.zones.map((zone) => element('span', { role: 'columnheader' }, zone)));
  const rows = layersDown.map((layer, row) => element('div', { role: 'row' },
    element('span', { role: 'rowheader' }, layer + 1),
    data.zones.map((zone, column) => makeCell(layer, zone, row, column, limit))));
  const grid = element('div', {
    role: 'grid', 'aria-label': `${SCORES[state.score]} effect by layer and zone`,
    style: `--columns: ${data.zones.length}`, onkeydown: moveFocus,
  }, header, rows);
  byId('heatmap').replaceChildren(
    element('div', { class: 'axis-label' }, 'masked zone, by layer'), grid);
  drawLegend(limit);
}

function makeCell(layer, zone, row, column, limit) {
  const index = cellAt.get(`${layer},${zone}`);
  const place = { role: 'gridcell', 'data-row': row, 'data-column': column,
    tabindex: row === focusPlace.row && column === focusPlace.column ? 0 : -1 };
  if (index === undefined)
    return element('div', { ...place, class: 'not-run', 'aria-disabled': 'true',
      'aria-label': `Layer ${layer + 1}, ${zone}: not run`, onfocus: rememberFocus },
    '·');
  const { effect } = data.configurations[index].scores[state.score];
  const color = effectColor(effect / limit);
  return element('div', {
    ...place, 'data-configuration': index,
    class: survives(index) ? 'survives' : '',
    'aria-selected': String(state.selected === index),
    'aria-label': cellLabel(index),
    style: `background:${color.background};color:${color.text}`,
    onclick: () => { moveTo(row, column, false); select(index); },
    onmouseenter: () => showDetails(index),
    onmouseleave: () => showDetails(cellAtSelection()),
    onfocus: (event) => { rememberFocus(event); showDetails(index); },
    onblur: () => showDetails(cellAtSelection()),
  }, signed(effect));
}

function cellLabel(index) {
  const { effect, low, high } = data.configurations[index].scores[state.score];
  const mark = survives(index) ? ', survives' : '';
  return `${titleOf(index)}: ${SCORES[state.score]} effect ${signed(effect)} points, `
    + `95 % interval ${interval(low, high)}${mark}`;
}

function rememberFocus(event) {
  const { row, column } = event.target.dataset;
  setRovingFocus(Number(row), Number(column));
}

function setRovingFocus(row, column) {
  focusPlace = { row, column };
  for (const cell of byId('heatmap').querySelectorAll('[role=gridcell]')) {
    const isHere = Number(cell.dataset.row) === row
      && Number(cell.dataset.column) === column;
    cell.tabIndex = isHere ? 0 : -1;
  }
}

function moveTo(row, column, withFocus = true) {
  setRovingFocus(row, column);
  if (withFocus) byId('heatmap').querySelector('[tabindex="0"]').focus();
}

function moveFocus(event) {
  const { row, column } = focusPlace;
  const lastRow = layersDown.length - 1;
  const lastColumn = data.zones.length - 1;
  const places = {
    ArrowUp: [row - 1, column], ArrowDown: [row + 1, column],
    ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1],
    Home: [event.ctrlKey ? 0 : row, 0],
    End: [event.ctrlKey ? lastRow : row, lastColumn],
    PageUp: [0, column], PageDown: [lastRow, column],
  };
  if (event.key === 'Enter' || event.key === ' ') {
    const index = event.target.dataset.configuration;
    if (index !== undefined) select(Number(index));
  } else if (event.key in places) {
    const [toRow, toColumn] = places[event.key];
    moveTo(Math.max(0, Math.min(lastRow, toRow)),
      Math.max(0, Math.min(lastColumn, toColumn)));
  } else return;
  event.preventDefault();
}

function drawLegend(limit) {
  const bar = element('span', { class: 'scale-bar', 'aria-hidden': 'true',
    style: `background:${scaleGradient()}` });
  byId('legend').replaceChildren(
    element('div', { class: 'scale' }, signed(-limit), bar, signed(limit)),
    element('p', { class: 'muted' },
      `Points of ${SCORES[state.score]} gained or lost. Bold with a frame: survives `
      + `a false discovery rate of ${100 * data.false_discovery_rate} % over all that was run. `
      + 'Click a cell, or press Enter on it, for its questions.'));
}

function markSelected() {
  for (const cell of byId('heatmap').querySelectorAll('[data-configuration]'))
    cell.setAttribute('aria-selected',
      String(Number(cell.dataset.configuration) === state.selected));
}

// The numbers of a configuration; of the baseline where none is given.
function showDetails(index) {
  const card = byId('cell-details');
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
    ? 'none with so few passages' : `±${found.detectable.toFixed(2)} points`;
  return [element('h2', {}, titleOf(index)), numbers([
    [SCORES[state.score], found.score.toFixed(3)],
    ['effect', `${signed(found.effect, 2)} points`],
    ['95 % interval', interval(found.low, found.high, 2)],
    ['p (permutation)', probability(found.p)],
    ['q (false discovery)', probability(found.q)],
    ['detectable effect', detectable],
    ['broken, repaired', `${count(configuration.broken)}, `
      + `${count(configuration.repaired)} questions`],
    ['p (McNemar)', probability(configuration.mcnemar_p)],
  ]), element('p', {}, survives(index)
    ? 'Survives the false discovery rate.'
    : 'Does not survive the false discovery rate.'),
  ...(index === state.selected ? [element('button', { type: 'button',
    onclick: () => byId('questions-heading').focus() }, 'Go to its questions')] : [])];
}
