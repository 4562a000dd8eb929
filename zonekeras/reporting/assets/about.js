// What was run, on what, with which settings.

function factRows(value, name = '') {
  if (value === null || typeof value !== 'object') return [[name, String(value)]];
  if (Array.isArray(value)) return [[name, value.map(String).join(' ')]];
  return Object.entries(value).flatMap(([key, inner]) =>
    factRows(inner, name ? `${name}: ${key}` : key));
}

function facts(title, value) {
  const rows = factRows(value).map(([name, text]) =>
    element('tr', {}, element('th', { scope: 'row' }, name.replaceAll('_', ' ')),
      element('td', {}, text)));
  return rows.length ? [element('h2', {}, title),
    element('table', { class: 'facts' }, element('tbody', {}, rows))] : [];
}

function drawAbout() {
  const { key, dataset, content, record } = data.run;
  const { settings, ...fingerprints } = content;
  byId('panel-about').replaceChildren(
    ...facts('What was run', {
      model: data.model, data: dataset,
      __items__: count(numQuestions), __groups__: count(__num_groups__),
      configurations: count(data.configurations.length + 1), metric: data.metric,
      semantics: data.semantics === 'strict'
        ? 'strict: the zone "all" masks every __texts__ key'
        : 'published: the zone "all" shows padding, as in the published tables',
      [Object.values(SCORES).join(', ')]:
        Object.keys(SCORES).map((score) => data.scores[score].toFixed(3)),
      run: key,
    }),
    ...facts('Settings', settings),
    ...facts('What decides the answers', fingerprints),
    ...facts('How it was started', record),
    ...facts('This page', { charts: `Bokeh ${Bokeh.version}, BSD-3-Clause`,
      colours: 'ColorBrewer PuOr, diverging, safe for the colour-blind' }));
}
