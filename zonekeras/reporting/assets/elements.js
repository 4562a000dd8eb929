// Making elements. Text only ever enters the document through here, as text.

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, '');
    else if (value !== false && value !== null) made.setAttribute(name, value);
  }
  made.append(...children.flat(Infinity).map((child) =>
    child instanceof Node ? child : document.createTextNode(String(child))));
  return made;
}

function byId(id) {
  return document.getElementById(id);
}

// Buttons of which one is pressed.
function choice(label, options, current, onChoose) {
  const buttons = Object.entries(options).map(([value, text]) =>
    element('button', {
      type: 'button',
      'data-value': value,
      'aria-pressed': String(value === current),
      onclick: () => {
        for (const button of buttons)
          button.setAttribute('aria-pressed', String(button.dataset.value === value));
        onChoose(value);
      },
    }, text));
  return element('div', { class: 'toolbar', role: 'group', 'aria-label': label },
    buttons);
}

function dropDown(label, options, current, onChoose) {
  const made = element('select', { onchange: () => onChoose(made.value) },
    options.map(([value, text]) => element('option', { value }, text)));
  made.value = current;
  return element('label', {}, label, made);
}

function table(headings, rows, attributes = {}) {
  return element('div', { class: 'table-frame' },
    element('table', attributes,
      element('thead', {}, element('tr', {},
        headings.map((heading) => element('th', { scope: 'col' }, heading)))),
      element('tbody', {}, rows.map((cells) => element('tr', {},
        cells.map((cell) => element('td', {}, cell)))))));
}

function numbers(pairs) {
  return element('dl', { class: 'numbers' },
    pairs.map(([name, value]) => [element('dt', {}, name), element('dd', {}, value)]));
}

// Which of `count` items a key moves to from `index`; null if the key does not move.
function movedIndex(key, index, count) {
  const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  if (key in steps) return (index + steps[key] + count) % count;
  if (key === 'Home') return 0;
  return key === 'End' ? count - 1 : null;
}
