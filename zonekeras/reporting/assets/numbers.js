function answerBefore(question) {
  return answerAt(baseline, question);
}

function answerAfter(configuration, question) {
  const source = answersOf(configuration);
  return answerAt(source.row[question] < 0 ? baseline : source, question);
}

function survives(configuration, score = state.score) {
  const q = data.configurations[configuration].scores[score].q;
  return q !== null && q < data.false_discovery_rate;
}

// Words for configurations and numbers. Layers and heads are shown from 1, as in the
// figures; names count from 0, so that the place is said beside them.

function titleOf(configuration) {
  const { name, layer, zone, place } = data.configurations[configuration];
  if (layer !== null) return `Layer ${layer + 1}, ${zone}`;
  return place ? `${name} (${place})` : name;
}

function signed(value, digits = 1) {
  if (value === null) return '–';
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return (value < 0 ? '−' : '+') + text;
}

function probability(value) {
  if (value === null) return '–';
  return value < 0.001 ? '< 0.001' : value.toFixed(3);
}

function count(value) {
  return value.toLocaleString('en-US');
}

function interval(low, high, digits = 1) {
  return low === null ? '–' : `${signed(low, digits)} to ${signed(high, digits)}`;
}
