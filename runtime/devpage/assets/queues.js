// The queues of Channels in Redis: what each process has not read yet.

import { h, attr } from './dom.js';
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
      { title: 'Members', num: true, wide: true, text: (q) => count(Array.isArray(q.Members) ? q.Members.length : q.Members) },
      { title: 'State', text: (q) => words[trouble(q)] || '● room' },
    ],
  });
  const show = async () => {
    try {
      const all = await get('queues');
      list.show((all || []).sort((a, b) => fill(b) - fill(a) || (a.Name < b.Name ? -1 : 1)).slice(0, 200));
    } catch (error) { list.unknown(`It can’t be known what waits in the queues: ${error.message}.`); }
  };
  const about = h('p', { class: 'muted' }, 'Each Django process has one queue. When one is full Channels drops silently; what this worker does then is the subscription’s overflow. A stream is full when its readers do not delete what they have done. The fullest come first.');
  return { node: h('div', null, about, list.node), title: 'Queues', on: ['tree'], show, slow: 2 };
}
