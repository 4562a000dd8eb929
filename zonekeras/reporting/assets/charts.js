// Charts, drawn by Bokeh. Every chart's numbers also stand in a table or a list.

function newFigure(target, options) {
  const figure = Bokeh.Plotting.figure({
    tools: 'pan,box_zoom,reset,save', sizing_mode: 'stretch_width',
    // A canvas keeps traces of labels that were drawn before it had its width.
    output_backend: 'svg',
    background_fill_color: null, border_fill_color: null,
    outline_line_color: themeColor('--line'), ...options,
  });
  figure.toolbar.logo = null;
  figure.toolbar.autohide = true;
  for (const axis of [figure.xaxis, figure.yaxis]) {
    axis.axis_label_text_color = themeColor('--text');
    axis.major_label_text_color = themeColor('--text');
    axis.axis_label_text_font_style = 'normal';
    axis.axis_line_color = axis.major_tick_line_color = themeColor('--line');
    axis.minor_tick_line_color = null;
  }
  for (const grid of [figure.xgrid, figure.ygrid])
    grid.grid_line_color = themeColor('--line');
  figure.xgrid.grid_line_alpha = figure.ygrid.grid_line_alpha = 0.5;
  return figure;
}

function showFigure(figure, target, label) {
  target.replaceChildren();
  target.setAttribute('aria-label', label);
  Bokeh.Plotting.show(figure, target);
}

const ZONE_SHAPES = ['circle', 'square', 'triangle', 'diamond', 'inverted_triangle', 'hex',
  'star', 'square_pin', 'triangle_pin'];
const ZONE_SIGNS = ['●', '■', '▲', '◆', '▼', '⬢', '★', '✦', '▴'];

// Zones beyond these begin again with the first shape, in the next colour.
const zoneLook = (number) => number % ZONE_SHAPES.length;
const zoneColor = (number) => themeColor(
  `--zone-${(number + Math.floor(number / ZONE_SHAPES.length)) % ZONE_SHAPES.length}`);

// Says above a chart which zone is which; a press hides that zone, another shows it.
// (Bokeh's own legend is measured before it has its styles, and may fill the figure.)
function showZones(target, renderers) {
  if (target.previousElementSibling?.classList.contains('chart-zones'))
    target.previousElementSibling.remove();
  target.before(element('div',
    { class: 'chart-zones', role: 'group', 'aria-label': 'zones shown' },
    [...renderers].map(([number, drawn]) => {
      const sign = element('span', { 'aria-hidden': 'true' }, ZONE_SIGNS[zoneLook(number)]);
      sign.style.color = zoneColor(number);
      const button = element('button', { type: 'button', 'aria-pressed': 'true',
        onclick: () => {
          const shown = button.getAttribute('aria-pressed') !== 'true';
          button.setAttribute('aria-pressed', String(shown));
          for (const one of drawn) one.visible = shown;
        } }, sign, ` ${data.zones[number]}`);
      return button;
    })));
}

// Effects over layers, one colour and shape for each zone, with intervals.
function drawCellsChart(target) {
  const score = SCORES[state.score];
  const figure = newFigure(target, {
    height: 340, x_axis_label: 'layer', y_axis_label: `${score} effect (points)`,
    x_range: [0.4, data.num_layers + 0.6],
    y_range: rangeWithZero(data.configurations.filter(({ zone }) => zone !== null)
      .map(({ scores }) => scores[state.score])
      .flatMap(({ effect, low, high }) => [effect, low, high])),
  });
  figure.xaxis.ticker = figure.xgrid.ticker = new Bokeh.FixedTicker({
    ticks: Array.from({ length: data.num_layers }, (_, i) => i + 1) });
  const drawn = new Map();
  const middle = (data.zones.length - 1) / 2;
  const step = 0.65 / data.zones.length;
  data.zones.forEach((zone, number) => {
    const cells = data.configurations.filter((one) => one.zone === zone);
    if (!cells.length) return;
    const color = zoneColor(number);
    const x = cells.map((cell) => cell.layer + 1 + (number - middle) * step);
    const values = (name) => cells.map((cell) => cell.scores[state.score][name] ?? NaN);
    drawn.set(number, [
      figure.segment(x, values('low'), x, values('high'),
        { line_color: color, line_width: 2 }),
      figure.scatter(x, values('effect'), { marker: ZONE_SHAPES[zoneLook(number)],
        size: 9, color }),
    ]);
  });
  showZones(target, drawn);
  drawZero(figure, 'width');
  showFigure(figure, target,
    `${score} effects of all cells by layer; the grid above has the same numbers.`);
}

// Effects of things with different names, with intervals, one below the other.
function drawIntervals(target, labels, effects, xLabel) {
  const figure = newFigure(target, {
    height: 90 + 30 * labels.length, x_axis_label: xLabel,
    x_range: rangeWithZero(effects.flat()),
    y_range: new Bokeh.FactorRange({ factors: [...labels].reverse() }),
  });
  const color = themeColor('--accent');
  const column = (at) => effects.map((effect) => effect[at] ?? NaN);
  figure.segment(column(1), labels, column(2), labels,
    { line_color: color, line_width: 3 });
  figure.scatter(column(0), labels, { marker: 'circle', size: 10, color });
  drawZero(figure, 'height');
  showFigure(figure, target, `${xLabel}; the table below has the same numbers.`);
}

// The range of the known values and 0, with some room at its ends.
function rangeWithZero(values) {
  const known = [0, ...values.filter(Number.isFinite)];
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const room = 0.06 * (high - low || 1);
  return [low - room, high + room];
}

function drawZero(figure, dimension) {
  figure.add_layout(new Bokeh.Span({ location: 0, dimension,
    line_color: themeColor('--text'), line_width: 1 }));
}
