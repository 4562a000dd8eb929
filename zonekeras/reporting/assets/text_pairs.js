// Where the unmasked model attends in some texts: a matrix of words.

const ROLE_NAMES = ['padding', 'CLS', 'SEP', 'first text',
  data.questions.pair.some((text) => text !== null) ? 'second text' : 'text'];
const LABEL_WIDTH = 110;
const attentionView = { example: 0, layer: 0, head: '', row: 0, column: 0, drawn: 0 };
const inflated = new Map();

// Each zone that is shown, but for the whole: does a pair of roles belong to it?
function zoneOfPair(query, key) {
  return data.zones.findIndex((zone) => data.attention.pairs[zone]?.some(
    (pair) => pair[0] === query && pair[1] === key));
}
