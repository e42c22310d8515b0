// The parts of the worker as a table, parents above their children.

import { attr } from './dom.js';
import { table } from './table.js';
import { live, at } from './live.js';
import { count } from './format.js';
import { name, kindName } from './names.js';
import { columns, keyOf, troubleOf } from './columns.js';
import { go } from './nav.js';

// Where the kinds stand in the tree.
const parents = { subscription: 'router', group: 'router', channel: 'router', stream: 'router' };

// withKinds puts each kind below its parent.
function withKinds({ Actors, Kinds }) {
  const list = [];
  const order = (a) => a.Path.split('/').length;
  for (const a of Actors) {
    list.push({ ...a, depth: order(a) - 1 });
    for (const f of Kinds) if (at(parents[f.Kind]) === a.Path) list.push({ ...f, many: true, depth: order(a) });
  }
  return list;
}

// actorTable is the table, and how to bring it up to date.
export function actorTable() {
  const made = table({
    label: 'Parts of the worker', key: keyOf, trouble: troubleOf, open: (a) => go('detail', keyOf(a)), empty: 'Waiting for the worker …',
    columns: columns((a) => (a.many ? `${count(a.Actors)} ${kindName(a.Kind, a.Actors)}` : name(a.Path))),
  });
  made.node.classList.add('tree');
  return [made.node, () => {
    const list = live.tree ? withKinds(live.tree) : [];
    made.show(list);
    list.forEach((a, i) => {
      const row = made.node.querySelector('tbody').children[i];
      attr(row, 'data-depth', Math.min(4, a.depth));
    });
  }];
}
