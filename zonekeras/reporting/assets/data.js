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
