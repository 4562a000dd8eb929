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
