// The MQTT sessions and who holds them, where there is more than one, or more than one
// worker.

import { h, put, say } from './dom.js';
import { live, choose } from './live.js';
import { table } from './table.js';
import { count, span } from './format.js';

const held = (slot) => live.tree.Slots.Held?.includes(slot.Number);

// known is a cell about how far a session has come, of which this worker may not know.
const known = (text) => (slot) => (slot.Progress ? text(slot.Progress) : '–');

const trouble = (slot) => {
  if (!slot.Holder) return 'bad';
  return slot.Progress?.Lag || slot.Progress?.Refused ? 'warn' : '';
};

// slots are the table, and how to bring it up to date.
export function slots() {
  const title = h('h2', null, 'MQTT sessions'), about = h('p', { class: 'muted', id: 'slots' });
  const list = table({
    label: 'MQTT sessions', key: (slot) => slot.Number, trouble, open: (slot) => (held(slot) ? choose(slot.Number) : say(slot.Holder ? `Session ${slot.Number} is on the page of ${slot.Name || slot.Holder}.` : 'No worker holds it.')),
    columns: [
      { title: 'Session', head: true, num: true, text: (slot) => String(slot.Number) },
      { title: 'Held by', grow: true, text: (slot) => (held(slot) ? 'this worker' : slot.Name || slot.Holder || 'nobody') },
      { title: 'Lease ends in', num: true, text: (slot) => (slot.Left ? span(slot.Left / 1e6) : '–') },
      { title: 'Filters', num: true, text: known((p) => count(p.Own)) },
      { title: 'Granted', num: true, text: known((p) => count(p.Granted)) },
      { title: 'Refused', num: true, text: known((p) => count(p.Refused)) },
      { title: 'Filters moving', num: true, wide: true, text: known((p) => count(p.Moving)) },
      { title: 'Changes not applied', num: true, text: known((p) => count(p.Lag)) },
      { title: 'Takeovers', num: true, wide: true, text: (slot) => (slot.Epoch ? String(slot.Epoch) : '–') },
    ],
  });
  const node = h('div', { hidden: true }, title, about, list.node);
  const show = () => {
    const s = live.tree?.Slots;
    node.hidden = !s || (s.Sessions < 2 && s.Workers < 2 && !s.Before);
    if (node.hidden) return;
    const moving = s.Before ? ` Filters are moving: there were ${count(s.Before)} before.` : '';
    put(about, `${count(s.Workers)} ${s.Workers > 1 ? 'workers share' : 'worker has'} ${count(s.Sessions)} ${s.Sessions > 1 ? 'sessions' : 'session'}; shown above is ${live.root === 'bridge' ? 'session 0' : 'session ' + live.root.slice(7)}.${moving}`);
    list.show(s.All || []);
  };
  return [node, show];
}
