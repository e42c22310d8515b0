// The timeline of supervision: what failed and why, and what came of it.

import { h, svg, field, glyph, intro } from './dom.js';
import { live, now } from './live.js';
import { clock, gap } from './format.js';
import { name, part } from './names.js';
import { go } from './nav.js';

const words = { failed: 'bad', bug: 'bad', lost: 'bad', waiting: 'warn' };
const signs = { restarted: '↻', resumed: '↻', connected: '✓', stopped: '■' };
const calm = ['started', 'stopped', 'connected']; // what alone makes no lane
const window = 5 * 60_000;

// after is how long after the one before it of the same actor a thing happened.
function withGaps(events) {
  const last = new Map();
  return events.map((line) => {
    const before = last.get(line.Path);
    last.set(line.Path, line);
    return { ...line, after: before ? new Date(line.At) - new Date(before.At) : null, before: before?.What };
  });
}

function entry(line) {
  const trouble = words[line.What] || '';
  return h('li', { class: trouble },
    h('span', { class: 'num muted' }, clock(line.At)),
    h('span', { class: 'what' }, h('span', { 'aria-hidden': 'true' }, (signs[line.What] || glyph(trouble)) + ' '), line.What),
    h('button', { type: 'button', class: 'link mono', click: () => go('detail', line.Path) }, name(line.Path)),
    h('span', { class: 'num muted gap' }, line.after == null ? '' : `${gap(line.after)} after ${line.before}`),
    h('span', { class: 'wrap said-text' }, line.Text || '', line.Stack && h('details', null, h('summary', null, 'Stack'), h('pre', { tabindex: '0' }, line.Stack))));
}

// lanes draws the last minutes, a lane for each kind that has something to show.
function lanes(node) {
  const end = now(), recent = live.timeline.filter((line) => end - new Date(line.At) < window);
  const kinds = [...new Set(recent.filter((line) => !calm.includes(line.What)).map((line) => line.Kind))].sort();
  if (!kinds.length) return node.replaceChildren(h('p', { class: 'muted' }, 'Nothing failed.'));
  node.replaceChildren(...kinds.map((kind) => {
    const marks = recent.filter((line) => line.Kind === kind).map((line) => {
      const x = 100 - 100 * (end - new Date(line.At)) / window, trouble = words[line.What] || 'good';
      return svg('rect', { x: x.toFixed(2), y: trouble === 'bad' ? 1 : 5, width: 0.5, height: trouble === 'bad' ? 14 : 6, class: trouble });
    });
    return h('div', { class: 'lane' }, h('span', null, part(kind)), svg('svg', { viewBox: '0 0 100 16', preserveAspectRatio: 'none', 'aria-hidden': 'true' }, ...marks));
  }));
}

// timeline is the panel.
export function timeline() {
  const only = h('input', { type: 'checkbox', change: () => show() });
  const search = h('input', { type: 'search', 'data-find': true, placeholder: 'part or words', input: () => show() });
  const strip = h('div', { class: 'lanes' }), list = h('ol', { class: 'lines timeline', id: 'timeline' }), none = h('p', { class: 'empty' }, 'No such event.');
  let drawn = '';
  const show = () => {
    lanes(strip);
    const stamp = [live.timeline.at(-1)?.Seq, live.timeline.length, only.checked, search.value].join();
    if (stamp === drawn) return; // stacks that are open stay open
    drawn = stamp;
    const text = search.value.toLowerCase();
    const lines = withGaps(live.timeline).filter((line) => (!only.checked || words[line.What] || line.What === 'restarted') && `${line.Path} ${name(line.Path)} ${line.What} ${line.Text || ''}`.toLowerCase().includes(text));
    list.replaceChildren(...lines.slice(-300).reverse().map(entry));
    none.hidden = lines.length > 0;
  };
  return { node: h('div', null, intro('What failed, why, and what was restarted, the newest first. Click a name to see how that part is now.'), h('div', { class: 'row' }, field('Find', search), h('label', { class: 'check' }, only, ' only failures and restarts')),
    h('h2', null, 'The last five minutes'), strip, list, none), title: 'Timeline', on: ['timeline', 'tree', 'connected'], show };
}

