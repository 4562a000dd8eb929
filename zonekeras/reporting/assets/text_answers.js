// Texts and what they were answered. `questions` are the texts, or the first of pairs;
// what stands beside one is the second of its pair.

function passageOf(question) {
  return [data.questions.pair[question] ?? ''];
}

function answerAt(source, question) {
  const row = source.row[question];
  const { columns } = source;
  return {
    text: data.labels[columns.label[row]],
    probability: columns.probability[row],
    isRight: columns[RIGHT][row] === '1',
  };
}
