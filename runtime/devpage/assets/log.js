// The tail of the worker's log.

import { h, field, intro } from './dom.js';
import { live } from './live.js';
import { clock } from './format.js';

const levels = ['DEBUG', 'INFO', 'WARN', 'ERROR'];
const trouble = { WARN: 'warn', ERROR: 'bad' };

const attrs = (line) => (!line.Attrs ? '' : typeof line.Attrs === 'string' ? line.Attrs : Object.entries(line.Attrs).map(([k, v]) => `${k}=${typeof v === 'object' ? JSON.stringify(v) : v}`).join('  '));

const entry = (line) => h('li', { class: trouble[line.Level] || '' },
  h('span', { class: 'num muted' }, clock(line.At)), h('span', { class: 'what' }, line.Level), h('span', { class: 'wrap said-text' }, line.Text, ' ', h('span', { class: 'muted mono' }, attrs(line))));

// log is the panel.
export function log() {
  const least = h('select', { change: () => show() }, levels.map((l) => h('option', { selected: l === 'INFO' }, l)));
  const search = h('input', { type: 'search', 'data-find': true, placeholder: 'words', input: () => show() });
  const list = h('ol', { class: 'lines log', id: 'log' }), none = h('p', { class: 'empty' }, 'No such line.');
  let asked = false;
  const draw = () => {
    asked = false;
    const text = search.value.toLowerCase(), from = levels.indexOf(least.value);
    const lines = live.log.filter((l) => levels.indexOf(l.Level) >= from && `${l.Text} ${attrs(l)}`.toLowerCase().includes(text));
    list.replaceChildren(...lines.slice(-300).reverse().map(entry));
    none.hidden = lines.length > 0;
  };
  const show = () => { // once a frame, however many lines come
    if (!asked) requestAnimationFrame(draw);
    asked = true;
  };
  return { node: h('div', null, intro('The last lines of the worker’s log, the newest first. WARN: something was lost. ERROR: somebody must act.'), h('div', { class: 'row' }, field('Find', search), field('At least', least)), list, none), title: 'Log', on: ['log'], show };
}
