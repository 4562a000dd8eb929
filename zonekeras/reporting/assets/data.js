// The data of the page, and how to read its columns.

const data = JSON.parse(document.getElementById('data').textContent);
// Name -> label, the headline first. In columns of answers a binary score is a string of
// 0 and 1, any other an array: the first of each kind says how an answer did.
const SCORES = __SCORES__;
const RIGHT = Object.keys(SCORES).find((name) => typeof data.baseline[name] === 'string');
const SHARE = Object.keys(SCORES).find((name) => Array.isArray(data.baseline[name]));
const numQuestions = data.questions.id.length;

// What is shown now. The score is everywhere the same; `selected` is the index of a
// configuration, or null.
const state = { score: Object.keys(SCORES)[0], selected: null, tab: null };

// Positions are Unicode characters; JavaScript counts UTF-16 units, which differ where
// a text has characters beyond the first 65,536.
function cutText(text, start, end) {
  return /[\ud800-\udfff]/.test(text)
    ? Array.from(text).slice(start, end).join('')
    : text.slice(start, end);
}

function passageOf(question) {
  return data.passages[data.questions.passage[question]];
}

// Columns of answers as an object that finds the row of a question (-1: none).
function readColumns(columns) {
  const row = new Int32Array(numQuestions).fill(-1);
  let question = -1;
  columns.question.forEach((step, index) => {
    question += step;
    row[question] = index;
  });
  return { columns, row };
}

const baseline = readColumns(data.baseline);
const changedAnswers = data.configurations.map(() => null);

function answersOf(configuration) {
  changedAnswers[configuration] ??=
    readColumns(data.configurations[configuration].answers);
  return changedAnswers[configuration];
}

// What a question was answered: text, place, scores.
function answerAt(source, question) {
  const row = source.row[question];
  const { columns } = source;
  const start = columns.start[row];
  const end = start + columns.length[row];
  const own = columns.text[row];
  const text = own ?? (start < 0 ? '' : cutText(passageOf(question)[1], start, end));
  return {
    text, start, end,
    share: SHARE && columns[SHARE][row] / data.f1_units,
    isRight: RIGHT && columns[RIGHT][row] === '1',
  };
}

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

// Words for configurations and numbers. Layers are shown from 1, as in the figures.

function titleOf(configuration) {
  const { name, layer, zone } = data.configurations[configuration];
  return layer === null ? name : `Layer ${layer + 1}, ${zone}`;
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
