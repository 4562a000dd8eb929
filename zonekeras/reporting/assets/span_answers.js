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
