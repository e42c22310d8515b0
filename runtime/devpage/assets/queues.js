// The queues of Channels in Redis: what each process has not read yet.

import { h, attr, intro } from './dom.js';
import { get } from './api.js';
import { table } from './table.js';
import { count } from './format.js';

const fill = (q) => (q.Capacity ? q.Length / q.Capacity : 0);
const trouble = (q) => (fill(q) >= 1 ? 'bad' : fill(q) >= 0.8 ? 'warn' : '');
const words = { bad: '✕ full', warn: '▲ nearly full' };

function bar(cell, q) {
  const meter = cell.firstChild || cell.appendChild(h('progress', { 'aria-label': 'Filled' }));
  attr(meter, 'max', q.Capacity || 1);
  attr(meter, 'value', Math.min(q.Length, q.Capacity || 1));
}

// queues is the panel.
export function queues() {
  const list = table({
    label: 'Queues', key: (q) => q.Name, trouble, empty: 'No queue: no group, channel or stream is subscribed.',
    columns: [
      { title: 'Queue', head: true, mono: true, grow: true, text: (q) => q.Name },
      { title: 'Fill', fill: bar },
      { title: 'Messages', num: true, text: (q) => `${count(q.Length)} of ${count(q.Capacity)}` },
      { title: 'Consumers', num: true, wide: true, text: (q) => count(Array.isArray(q.Members) ? q.Members.length : q.Members) },
      { title: 'State', text: (q) => words[trouble(q)] || '✓ has room' },
    ],
  });
  const show = async () => {
    try {
      const all = await get('queues');
      list.show((all || []).sort((a, b) => fill(b) - fill(a) || (a.Name < b.Name ? -1 : 1)).slice(0, 200));
    } catch (error) { list.unknown(`Can’t be shown now: ${error.message}.`); }
  };
  const about = intro('The messages that wait in Redis for each Django process, the fullest queue first. If a queue stays full, its process is too slow, or hangs: start more processes, or subscribe to less.');
  return { node: h('div', null, about, list.node), title: 'Queues', on: ['tree'], show, slow: 2 };
}
