// Colours of effects, as in figures (plotting/palette.py): ColorBrewer's PuOr without its
// darkest ends, safe for the colour-blind; losses orange, gains purple.
// In the dark its middle is dark as well.

const LIGHT = ['#b35806', '#e08214', '#fdb863', '#fee0b6', '#f7f7f7',
  '#d8daeb', '#b2abd2', '#8073ac', '#542788'];
const DARK = ['#fee0b6', '#fdb863', '#e08214', '#a8560f', '#63370f', '#2a2b31',
  '#3b2b60', '#5b4891', '#8073ac', '#b2abd2', '#d8daeb'];
const darkMode = matchMedia('(prefers-color-scheme: dark)');

function channels(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

// The colour of a share from -1 to 1, and one of text that can be read on it.
function effectColor(share) {
  const anchors = darkMode.matches ? DARK : LIGHT;
  const place = (Math.max(-1, Math.min(1, share)) + 1) / 2 * (anchors.length - 1);
  const lower = Math.min(Math.floor(place), anchors.length - 2);
  const [from, to] = [channels(anchors[lower]), channels(anchors[lower + 1])];
  const mixed = from.map((value, i) =>
    Math.round(value + (to[i] - value) * (place - lower)));
  return { background: `rgb(${mixed.join()})`, text: readable(mixed) };
}

// Black or white, whichever has the higher contrast (WCAG 2, relative luminance).
function readable(color) {
  const [red, green, blue] = color.map((value) => {
    const share = value / 255;
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return luminance > 0.179 ? '#000000' : '#ffffff';
}

function scaleGradient() {
  const anchors = darkMode.matches ? DARK : LIGHT;
  return `linear-gradient(to right, ${anchors.join()})`;
}

function themeColor(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
