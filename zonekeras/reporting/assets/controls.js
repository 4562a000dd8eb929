// Effects beside those of size-matched controls, and beside attention mass.

const hasControls = data.controls !== null
  && Object.values(data.controls.cells).some(({ count: number }) => number > 0);
const hasMasses = data.controls !== null
  && Object.values(data.controls.cells).some(({ mass }) => mass !== null);
const controlledCells = data.controls === null ? []
  : data.configurations.flatMap(({ name }, index) =>
    name in data.controls.cells ? [index] : []);

function controlsOf(index) {
  return data.controls.cells[data.configurations[index].name];
}

function percent(share, digits = 1) {
  return share === null ? '–' : `${(100 * share).toFixed(digits)} %`;
}

function drawControls() {
  const name = SCORES[state.score];
  const beyond = element('div', { class: 'chart', role: 'img' });
  const scatter = element('div', { class: 'chart', role: 'img' });
  byId('panel-controls').replaceChildren(...[
    scoreChoice(),
    ...(hasControls ? [
      element('h2', {}, `${name} effect minus that of controls`),
      element('p', { class: 'muted' }, 'A control masks as many pairs of the same shape '
        + 'in that layer, but not these: the roles of __texts__ tokens are '
        + 'shuffled there. Where more than half of the pairs would be the zone\'s own, '
        + 'no control is possible.'),
      beyond] : []),
    ...(hasMasses ? [element('h2', {}, `${name} effect and attention mass`),
      element('p', { id: 'mass-correlation' }, ...correlationTexts()), scatter] : []),
    element('h2', {}, 'All cells'), controlsTable()]);
  const shown = controlledCells.filter((index) =>
    controlsOf(index).scores[state.score].beyond !== null);
  if (hasControls) drawIntervals(beyond, shown.map(titleOf), shown.map((index) => {
    const found = controlsOf(index).scores[state.score];
    return [found.beyond, found.beyond_low, found.beyond_high];
  }), `${name} effect minus controls (points)`);
  if (hasMasses) drawMassChart(scatter);
}

function correlationTexts() {
  const found = data.controls.correlation[state.score];
  const texts = [['pearson', 'r'], ['spearman', 'rank correlation']].flatMap(
    ([method, label]) => {
      if (found[method] === null) return [];
      const [value, low, high, cells] = found[method];
      return [`${label} = ${signed(value, 2)} (${interval(low, high, 2)}), ${cells} cells`];
    });
  return [texts.join('; ') || 'too few cells, or all alike, for a correlation', '. ',
    'The mass of a zone is the share of its attention that the unmasked model gives to '
    + 'it, over all tokens, heads and windows.'];
}

function controlsTable() {
  const name = SCORES[state.score];
  return table(['cell', 'attention mass', `${name} effect`, 'controls', 'expected overlap',
    'effect minus controls', '95 % interval', 'p', 'q'], controlledCells.map((index) => {
    const cell = controlsOf(index);
    const found = cell.scores[state.score];
    const drawn = cell.possible === false ? 'no control possible'
      : found.control_effect === null ? '–'
        : `${signed(found.control_effect, 2)}${found.control_deviation === null ? ''
          : ` ± ${found.control_deviation.toFixed(2)}`}`;
    return [titleOf(index), percent(cell.mass),
      signed(data.configurations[index].scores[state.score].effect, 2), drawn,
      percent(cell.overlap, 0), signed(found.beyond, 2),
      interval(found.beyond_low, found.beyond_high, 2), probability(found.beyond_p),
      `${probability(found.beyond_q)}`
        + (found.beyond_q !== null && found.beyond_q < data.false_discovery_rate ? ' *' : '')];
  }));
}

function drawMassChart(target) {
  const name = SCORES[state.score];
  const known = controlledCells.filter((index) => controlsOf(index).mass !== null
    && data.configurations[index].zone !== 'all');
  const effectOf = (index) => data.configurations[index].scores[state.score].effect;
  const figure = newFigure(target, {
    height: 340, x_axis_label: 'attention mass in the unmasked model (%)',
    y_axis_label: `${name} effect (points)`, y_range: rangeWithZero(known.map(effectOf)),
  });
  const drawn = new Map();
  data.zones.forEach((zone, number) => {
    const cells = known.filter((index) => data.configurations[index].zone === zone);
    if (cells.length) drawn.set(number, [
      figure.scatter(cells.map((index) => 100 * controlsOf(index).mass),
        cells.map(effectOf), { marker: ZONE_SHAPES[zoneLook(number)],
          size: 9, color: zoneColor(number) })]);
  });
  showZones(target, drawn);
  drawZero(figure, 'width');
  showFigure(figure, target,
    `${name} effects of cells by attention mass; the table below has the same numbers.`);
}
