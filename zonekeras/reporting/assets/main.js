// Tabs, what is selected, and what has to be drawn again when it changes.

const TABS = {
  ...(hasCells ? { cells: 'Cells' } : {}),
  ...Object.fromEntries(data.sets.map(({ name }) => [name, SET_TABS[name]])),
  __groups_tab__
  ...(others.length ? { others: hasCells ? 'Other configurations' : 'Configurations' } : {}),
  ...(hasControls || hasMasses ? { controls: 'Controls and attention mass' } : {}),
  ...(data.attention === null ? {} : { attention: 'Attention' }),
  ...(data.runs === null ? {} : { runs: 'Runs' }),
  about: 'What was run',
};
const draw = { cells: drawCells, groups: drawGroups, others: drawOthers,
  controls: drawControls, attention: drawAttention,
  runs: drawRuns, about: drawAbout,
  ...Object.fromEntries(data.sets.map((set) => [set.name, () => drawSet(set)])) };

function drawCells() {
  byId('score-toolbar').replaceChildren(scoreChoice());
  drawHeatmap();
  showDetails(byId('cell-details'), cellAtSelection());
  drawCellsChart(byId('cells-chart'));
}

function cellAtSelection() {
  const { layer } = data.configurations[state.selected] ?? { layer: null };
  return layer === null ? null : state.selected;
}

function scoreChoice() {
  return choice('Score', SCORES, state.score, (score) => {
    state.score = score;
    draw[state.tab]();
    byId(`panel-${state.tab}`).querySelector('[aria-pressed=true]')?.focus();
  });
}

function select(index) {
  state.selected = index;
  view.page = 0;
  refreshSelection();
  if (state.tab === 'others') drawOthers();
  drawQuestions();
  keepAddress();
}

function refreshSelection() {
  markSelected();
  if (hasCells) showDetails(byId('cell-details'), cellAtSelection());
  const set = data.sets.find(({ name }) => name === state.tab);
  if (set) showDetails(byId(`details-${set.name}`), selectedIn(set));
}

function openTab(name, withFocus = false) {
  state.tab = name;
  for (const tab of byId('tabs').children) {
    const isOpen = tab.id === `tab-${name}`;
    tab.setAttribute('aria-selected', String(isOpen));
    tab.tabIndex = isOpen ? 0 : -1;
    byId(tab.getAttribute('aria-controls')).hidden = !isOpen;
    if (isOpen && withFocus) tab.focus();
  }
  draw[name]();
  drawQuestions();
}

// What is open and selected is in the address, for links: #cells/layer3:p2q.
function keepAddress() {
  const selected = data.configurations[state.selected];
  const parts = selected ? [state.tab, selected.name] : [state.tab];
  history.replaceState(null, '', `#${parts.join('/')}`);
}

function openAddress() {
  const [tab, name] = location.hash.slice(1).split('/');
  const index = data.configurations.findIndex((one) => one.name === name);
  state.selected = index < 0 ? null : index;
  view.page = 0;
  openTab(Object.hasOwn(TABS, tab) ? tab : Object.keys(TABS)[0]);
  refreshSelection();
}

function turnTo(name, withFocus = false) {
  openTab(name, withFocus);
  keepAddress();
}

function makeTabs() {
  const names = Object.keys(TABS);
  byId('tabs').append(...names.map((name, index) => element('button', {
    type: 'button', role: 'tab', id: `tab-${name}`, 'aria-controls': `panel-${name}`,
    onclick: () => turnTo(name),
    onkeydown: (event) => {
      const moved = movedIndex(event.key, index, names.length);
      if (moved === null) return;
      event.preventDefault();
      turnTo(names[moved], true);
    },
  }, TABS[name])));
}

document.title = `${data.model} on ${data.dataset} · zonekeras`;
byId('title').textContent = `${data.model} on ${data.dataset}`;
byId('subtitle').textContent = Object.entries(SCORES)
  .map(([score, name]) => `${name} ${data.scores[score].toFixed(2)}`).join(', ')
  + ` with nothing masked; ${count(numQuestions)} __items__, `
  + `${data.semantics} semantics`;
makeSetPanels();
makeTabs();
openAddress();
window.addEventListener('hashchange', openAddress);
darkMode.addEventListener('change', () => draw[state.tab]());
document.documentElement.dataset.ready = 'true';
