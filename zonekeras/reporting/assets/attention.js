async function weightsOf(number) {
  if (!inflated.has(number)) {
    const text = atob(data.attention.examples[number].weights);
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream()
      .pipeThrough(new DecompressionStream('deflate'));
    inflated.set(number, new Uint8Array(await new Response(stream).arrayBuffer()));
  }
  return inflated.get(number);
}

// The weights of one layer and head, or their mean over heads: shares, row by row.
function matrixOf(weights, size) {
  const { layer, head } = attentionView;
  const heads = head === '' ? Array.from({ length: data.attention.num_heads }, (_, i) => i)
    : [Number(head)];
  const matrix = new Float32Array(size * size);
  for (const one of heads) {
    const first = (layer * data.attention.num_heads + one) * matrix.length;
    for (let at = 0; at < matrix.length; at++)
      matrix[at] += weights[first + at] / data.attention.num_steps / heads.length;
  }
  return matrix;
}

function drawAttention() {
  const { examples, num_kept: numKept, num_heads: numHeads } = data.attention;
  const layers = Array.from({ length: data.num_layers }, (_, i) => [String(i), i + 1]);
  const heads = [['', 'mean of all'],
    ...Array.from({ length: numHeads }, (_, i) => [String(i), i + 1])];
  const change = (name, isNumber) => (value) => {
    attentionView[name] = isNumber ? Number(value) : value;
    if (name === 'example') attentionView.row = attentionView.column = 0;
    fillAttention();
  };
  byId('panel-attention').replaceChildren(
    element('div', { class: 'toolbar' },
      dropDown('__Item__', examples.map(({ question }, i) =>
        [String(i), data.questions.text[question] || '(empty __item__)']),
      String(attentionView.example), change('example', true)),
      dropDown('Layer', layers, String(attentionView.layer), change('layer', true)),
      dropDown('Head', heads, attentionView.head, change('head', false))),
    element('p', { class: 'muted' }, 'Rows are what attends, columns what is attended to; '
      + 'darker is more. Frames are zones. Arrow keys move in the matrix. '
      + (examples.length < numKept
        ? `${examples.length} of ${numKept} __items__, to keep this page small.` : '')),
    element('p', { id: 'attention-pair', role: 'status' }),
    element('div', { class: 'attention-frame' }, element('canvas', {
      id: 'attention-matrix', tabindex: 0, role: 'img', onkeydown: moveInMatrix,
      onclick: pointInMatrix })),
    element('div', { id: 'attention-masses' }));
  fillAttention();
}

async function fillAttention() {
  const drawing = ++attentionView.drawn;
  if (typeof DecompressionStream === 'undefined') {
    byId('attention-pair').textContent = 'This browser cannot unpack the weights.';
    return;
  }
  const { words } = data.attention.examples[attentionView.example];
  const weights = await weightsOf(attentionView.example);
  const canvas = byId('attention-matrix');
  if (drawing !== attentionView.drawn || canvas === null) return;
  attentionView.matrix = matrixOf(weights, words.length);
  paintMatrix(canvas, words, attentionView.matrix);
  showPair(words);
  showMasses();
}

function cellSize(numWords) {
  return Math.max(6, Math.min(15, Math.floor(2400 / numWords)));
}

function paintMatrix(canvas, words, matrix) {
  const size = cellSize(words.length);
  const extent = LABEL_WIDTH + size * words.length + 1;
  canvas.width = canvas.height = extent;
  const context = canvas.getContext('2d');
  context.fillStyle = themeColor('--text');
  context.font = `${Math.max(6, size - 2)}px system-ui, sans-serif`;
  context.textBaseline = 'middle';
  words.forEach(([text], i) => {
    const middle = LABEL_WIDTH + size * (i + 0.5);
    context.textAlign = 'right';
    context.fillText(text, LABEL_WIDTH - 4, middle, LABEL_WIDTH - 8);
    context.save();
    context.translate(middle, LABEL_WIDTH - 4);
    context.rotate(-Math.PI / 2);
    context.textAlign = 'left';
    context.fillText(text, 0, 0, LABEL_WIDTH - 8);
    context.restore();
  });
  context.fillStyle = themeColor('--accent');
  matrix.forEach((weight, at) => {
    if (!weight) return;
    context.globalAlpha = Math.sqrt(weight);
    context.fillRect(LABEL_WIDTH + size * (at % words.length),
      LABEL_WIDTH + size * Math.floor(at / words.length), size, size);
  });
  context.globalAlpha = 1;
  paintZones(context, words, size);
  const { row, column } = attentionView;
  context.strokeStyle = themeColor('--text');
  context.lineWidth = 2;
  context.strokeRect(LABEL_WIDTH + size * column, LABEL_WIDTH + size * row, size, size);
}

// A line wherever two neighbouring pairs belong to different zones.
function paintZones(context, words, size) {
  const roles = words.map(([, role]) => role);
  const at = (row, column) => roles[row] === undefined || roles[column] === undefined
    ? -1 : zoneOfPair(roles[row], roles[column]);
  const line = (zone, x, y, dx, dy, inset) => {
    if (zone < 0) return;
    context.strokeStyle = zoneColor(zone);
    context.beginPath();
    context.moveTo(x + inset[0], y + inset[1]);
    context.lineTo(x + dx + inset[0], y + dy + inset[1]);
    context.stroke();
  };
  context.lineWidth = 1.5;
  for (let row = 0; row < roles.length; row++) {
    for (let column = 0; column < roles.length; column++) {
      const zone = at(row, column);
      const [x, y] = [LABEL_WIDTH + size * column, LABEL_WIDTH + size * row];
      if (at(row - 1, column) !== zone) line(zone, x, y, size, 0, [0, 1]);
      if (at(row + 1, column) !== zone) line(zone, x, y + size, size, 0, [0, -1]);
      if (at(row, column - 1) !== zone) line(zone, x, y, 0, size, [1, 0]);
      if (at(row, column + 1) !== zone) line(zone, x + size, y, 0, size, [-1, 0]);
    }
  }
}

function showPair(words) {
  const { row, column, matrix, layer, head } = attentionView;
  const name = (at) => `“${words[at][0]}” (${ROLE_NAMES[words[at][1]]})`;
  const zone = data.zones[zoneOfPair(words[row][1], words[column][1])] ?? 'no zone';
  const text = `${name(row)} attends to ${name(column)}: `
    + `${percent(matrix[row * words.length + column], 0)}, ${zone}`;
  byId('attention-pair').textContent = text;
  byId('attention-matrix').setAttribute('aria-label', `Attention of layer ${layer + 1}, `
    + `${head === '' ? 'mean of all heads' : `head ${Number(head) + 1}`}, `
    + `${words.length} words. ${text}`);
}

function showMasses() {
  const { layer, head } = attentionView;
  const heads = data.attention.masses[layer];
  const chosen = head === '' ? heads : [heads[Number(head)]];
  byId('attention-masses').replaceChildren(
    element('h2', {}, 'Attention mass over all windows'),
    table(['zone', 'mass'], data.attention.zones.map((zone, number) => [zone,
      percent(chosen.reduce((sum, one) => sum + one[number], 0) / chosen.length)])));
}

function moveInMatrix(event) {
  const { words } = data.attention.examples[attentionView.example];
  const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1],
    ArrowRight: [0, 1] };
  const last = words.length - 1;
  const { row, column } = attentionView;
  const places = { Home: [row, 0], End: [row, last], PageUp: [0, column],
    PageDown: [last, column] };
  if (event.key in steps) {
    const [down, right] = steps[event.key];
    setPair(Math.max(0, Math.min(last, row + down)),
      Math.max(0, Math.min(last, column + right)));
  } else if (event.key in places) setPair(...places[event.key]);
  else return;
  event.preventDefault();
}

function pointInMatrix(event) {
  const { words } = data.attention.examples[attentionView.example];
  const size = cellSize(words.length);
  const [column, row] = [event.offsetX, event.offsetY].map((place) =>
    Math.floor((place - LABEL_WIDTH) / size));
  if (row >= 0 && column >= 0 && row < words.length && column < words.length)
    setPair(row, column);
}

function setPair(row, column) {
  const { words } = data.attention.examples[attentionView.example];
  Object.assign(attentionView, { row, column });
  if (!attentionView.matrix) return;
  paintMatrix(byId('attention-matrix'), words, attentionView.matrix);
  showPair(words);
}
