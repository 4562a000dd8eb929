// Grids of effects, a row for each layer. One cell of a grid is in the tab order; arrow
// keys move, Enter selects.

// As in the protocol's figures the first layer is at the bottom.
const layersDown = Array.from({ length: data.num_layers },
  (_, i) => data.num_layers - 1 - i);
// By grid, the cell in the tab order: it stays when the grid is drawn again.
const focusPlaces = {};

// A grid has a `key`, the labels of its `columns`, what these are (`axis`),
// `indexAt(layer, column)`, the effect at the ends of its colours (`limit`), and `show`,
// which is told the configuration that is pointed at, or null.
function effectGrid(grid) {
  focusPlaces[grid.key] ??= { row: 0, column: 0 };
  const header = element('div', { role: 'row' }, element('span', {
    role: 'columnheader', 'aria-label': 'layer' }),
  grid.columns.map((name) => element('span', { role: 'columnheader' }, name)));
  const rows = layersDown.map((layer, row) => element('div', { role: 'row' },
    element('span', { role: 'rowheader' }, layer + 1),
    grid.columns.map((_, column) => gridCell(grid, layer, row, column))));
  return element('div', {
    role: 'grid', 'data-grid': grid.key,
    'aria-label': `${SCORES[state.score]} effect by layer and ${grid.axis}`,
    style: `--columns: ${grid.columns.length}`,
    onkeydown: (event) => moveFocus(event, grid),
  }, header, rows);
}

function gridCell(grid, layer, row, column) {
  const index = grid.indexAt(layer, column);
  const focused = focusPlaces[grid.key];
  const place = { role: 'gridcell', 'data-row': row, 'data-column': column,
    tabindex: row === focused.row && column === focused.column ? 0 : -1 };
  const remember = () => setRovingFocus(grid, row, column);
  if (index === undefined)
    return element('div', { ...place, class: 'not-run', 'aria-disabled': 'true',
      'aria-label': `Layer ${layer + 1}, ${grid.columns[column]}: not run`,
      onfocus: remember }, '·');
  const { effect } = data.configurations[index].scores[state.score];
  const color = effectColor(effect / grid.limit);
  return element('div', {
    ...place, 'data-configuration': index,
    class: survives(index) ? 'survives' : '',
    'aria-selected': String(state.selected === index),
    'aria-label': cellLabel(index),
    style: `background:${color.background};color:${color.text}`,
    onclick: () => { remember(); select(index); },
    onmouseenter: () => grid.show(index),
    onmouseleave: () => grid.show(null),
    onfocus: () => { remember(); grid.show(index); },
    onblur: () => grid.show(null),
  }, signed(effect));
}

function cellLabel(index) {
  const { effect, low, high } = data.configurations[index].scores[state.score];
  const mark = survives(index) ? ', survives' : '';
  return `${titleOf(index)}: ${SCORES[state.score]} effect ${signed(effect)} points, `
    + `95 % interval ${interval(low, high)}${mark}`;
}

function largestEffect(indices) {
  const effects = indices.map((index) =>
    Math.abs(data.configurations[index].scores[state.score].effect));
  return Math.max(...effects) || 1;
}

function cellsOf(grid) {
  return document.querySelectorAll(`[data-grid="${grid.key}"] [role=gridcell]`);
}

function setRovingFocus(grid, row, column) {
  focusPlaces[grid.key] = { row, column };
  for (const cell of cellsOf(grid)) {
    const isHere = Number(cell.dataset.row) === row
      && Number(cell.dataset.column) === column;
    cell.tabIndex = isHere ? 0 : -1;
  }
}

function moveFocus(event, grid) {
  const { row, column } = focusPlaces[grid.key];
  const lastRow = layersDown.length - 1;
  const lastColumn = grid.columns.length - 1;
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
    setRovingFocus(grid, Math.max(0, Math.min(lastRow, toRow)),
      Math.max(0, Math.min(lastColumn, toColumn)));
    [...cellsOf(grid)].find((cell) => cell.tabIndex === 0).focus();
  } else return;
  event.preventDefault();
}

function gridLegend(limit) {
  const bar = element('span', { class: 'scale-bar', 'aria-hidden': 'true',
    style: `background:${scaleGradient()}` });
  return [
    element('div', { class: 'scale' }, signed(-limit), bar, signed(limit)),
    element('p', { class: 'muted' },
      `Points of ${SCORES[state.score]} gained or lost. Bold with a frame: survives `
      + `a false discovery rate of ${100 * data.false_discovery_rate} % over all that was `
      + 'run. Click a cell, or press Enter on it, for its __items__.'),
  ];
}

function markSelected() {
  for (const cell of document.querySelectorAll('[role=gridcell][data-configuration]'))
    cell.setAttribute('aria-selected',
      String(Number(cell.dataset.configuration) === state.selected));
}
