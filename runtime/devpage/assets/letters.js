// Dead letters: commands that were invalid, or given up.

import { h, intro } from './dom.js';
import { get } from './api.js';
import { table, pager } from './table.js';
import { bytes, clock, since } from './format.js';
import { now } from './live.js';
import { action } from './act.js';

// actions are what can be done with one, where this page may.
function actions(cell, letter) {
  if (cell.firstChild) return;
  cell.append(h('div', { class: 'actions' }, [
    letter.SHA256 ? null : action('Put back', () => ({ Action: 'requeue-letters', IDs: [letter.ID] })),
    action('Drop', () => ({ Action: 'drop-letters', IDs: [letter.ID] }), { loses: 'The command is deleted for good.' }),
  ]));
}

// why is the reason, and what is left of a command that is too large to be kept.
const why = (l) => l.Reason + (l.SHA256 ? `; only its beginning is kept: it can’t be put back (SHA-256 ${l.SHA256})` : '');

// letters is the panel.
export function letters() {
  const pages = pager(50, () => show());
  const list = table({
    label: 'Dead letters', key: (l) => l.ID, empty: 'None: every command was valid.',
    columns: [
      { title: 'When', head: true, num: true, text: (l) => clock(l.Time) },
      { title: 'Ago', num: true, wide: true, text: (l) => since(l.Time, now()) },
      { title: 'Why', grow: true, text: why },
      { title: 'Command', wide: true, mono: true, grow: true, text: (l) => l.Preview },
      { title: 'Size', num: true, wide: true, text: (l) => bytes(l.Size) },
      { title: 'What to do', fill: actions },
    ],
  });
  let asked = 0;
  const show = async () => {
    const turn = ++asked;
    try {
      const { Total, Rows } = await get('deadletters', { offset: pages.offset, limit: pages.limit });
      if (turn !== asked) return; // a later question is under way
      list.show(Rows || []);
      pages.show(Total);
    } catch (error) { list.unknown(`Can’t be shown now: ${error.message}.`); }
  };
  const about = intro('Commands of the site that were invalid, or that the broker refused for good. Correct the code that sent them, then put back those that you still need. In a terminal: ', h('code', null, 'chanmqttproxy dead-letters'), '.');
  return { node: h('div', null, about, pages.node, list.node), title: 'Dead letters', on: ['tree'], show, slow: 3 };
}
