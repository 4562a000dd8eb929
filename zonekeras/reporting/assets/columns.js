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
