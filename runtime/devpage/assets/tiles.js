// The worker's counters in a row.

import { h, put, mark } from './dom.js';
import { spark } from './spark.js';
import { series, stat, lost } from './live.js';
import { rate, count, bytes } from './format.js';

// What is shown: a rate with its total, or a level. Those that are trouble where
// they are not 0 say so.
const shown = [
  { title: 'From MQTT', key: 'received', total: () => stat('received'), cls: 'in' },
  { title: 'Into queues', key: 'stored', total: () => stat('stored'), cls: 'in' },
  { title: 'Commands', key: 'commands', total: () => stat('commands'), cls: 'out' },
  { title: 'Published', key: 'published', total: () => stat('published'), cls: 'out' },
  { title: 'Matching no filter', key: 'unmatched', total: () => stat('unmatched') },
  { title: 'Dropped', key: 'lost', total: () => lost.reduce((n, name) => n + stat(name), 0), trouble: true },
  { title: 'Waiting', level: () => count(stat('overflow') + stat('paced')), unit: 'messages', note: () => `${bytes(stat('waitingbytes'))} of memory` },
  { title: 'Invalid commands', key: 'badcommands', total: () => stat('badcommands') },
];

function tile(t) {
  const value = h('b'), note = h('span', { class: 'note' }), line = t.key && spark(t.cls);
  const node = h('div', { class: 'tile ' + (t.cls || '') }, h('span', { class: 'title' }, t.title), h('span', { class: 'figure' }, value, ' ', h('span', { class: 'unit' }, t.unit || 'a second')), note, line);
  const show = () => {
    const s = t.key && series('stat:' + t.key);
    put(value, s ? rate(s.now) : t.level());
    put(note, s ? `${count(t.total())} in all` : t.note());
    line?.show(s.rates);
    mark(node, t.trouble && s.rates.some((n) => n > 0) ? 'warn' : '');
  };
  return [node, show];
}

// tiles are the row, and how to bring it up to date.
export function tiles() {
  const made = shown.map(tile);
  return [h('div', { class: 'tiles' }, made.map(([n]) => n)), () => made.forEach(([, show]) => show())];
}
