// Where the unmasked model attends in one window of some questions: a matrix of words.

const ROLE_NAMES = ['padding', 'CLS', 'SEP', 'question', 'passage'];
const QUESTION_ROLE = 3;
const PASSAGE_ROLE = 4;
const LABEL_WIDTH = 110;
const attentionView = { example: 0, layer: 0, head: '', row: 0, column: 0, drawn: 0 };
const inflated = new Map();

// Each zone: does a pair (query role, key role) belong to it?
const ZONE_PAIRS = {
  q2: (query, key) => query === QUESTION_ROLE && key === QUESTION_ROLE,
  q2p: (query, key) => query !== PASSAGE_ROLE && key === PASSAGE_ROLE,
  p2q: (query, key) => query !== QUESTION_ROLE && key === QUESTION_ROLE,
  p2: (query, key) => query === PASSAGE_ROLE && key === PASSAGE_ROLE,
};

function zoneOfPair(query, key) {
  return data.zones.findIndex((zone) => ZONE_PAIRS[zone]?.(query, key));
}
