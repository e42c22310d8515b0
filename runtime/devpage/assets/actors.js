// The tree of actors as a table, parents above their children.

import { attr, glyph } from './dom.js';
import { table } from './table.js';
import { live, at, series, now } from './live.js';
import { ofActor, ofFamily } from './trouble.js';
import { count, rate, duration, since, span, name } from './format.js';
import { detail } from './detail.js';

// Where the families stand in the tree.
const parents = { subscription: 'router', group: 'groups', channel: 'groups' };

// columns are those of an actor; text is its name.
export const columns = (text) => [
  { title: 'Actor', head: true, grow: true, text },
  { title: 'State', text: stateOf },
  { title: 'Since', num: true, wide: true, text: (a) => (a.family ? '' : since(a.Since, now())) },
  { title: 'Waiting', num: true, text: (a) => count(a.Waiting) },
  { title: 'Oldest', num: true, wide: true, text: (a) => (a.Age ? span(a.Age / 1e6) : '–') },
  { title: 'Handled', num: true, wide: true, text: (a) => count(a.Handled) },
  { title: 'Per second', num: true, text: (a) => rate(series(keyOf(a)).now) },
  { title: 'One takes', num: true, wide: true, text: (a) => duration(a.Last) },
  { title: 'Restarts', num: true, text: (a) => count(a.Restarts) },
  { title: 'Last failure', wide: true, grow: true, text: (a) => (a.Failure ? `${since(a.Failure.At, now())} ago: ${a.Failure.Text}` : '') },
];

const keyOf = (a) => (a.family ? 'family:' + a.Kind : a.Path);

function stateOf(a) {
  const trouble = troubleOf(a);
  if (a.family) return `${glyph(trouble)} ${a.Troubled ? count(a.Troubled) + ' troubled' : 'well'}`;
  return `${glyph(trouble)} ${a.State}`;
}

const troubleOf = (a) => (a.family ? ofFamily(a.Kind)[0] : ofActor(a)[0]);

// withFamilies puts each family below its parent.
function withFamilies({ Actors, Families }) {
  const list = [];
  const order = (a) => a.Path.split('/').length;
  for (const a of Actors) {
    list.push({ ...a, depth: order(a) - 1 });
    for (const f of Families) if (at(parents[f.Kind]) === a.Path) list.push({ ...f, family: true, depth: order(a) });
  }
  return list;
}

// actorTable is the table, and how to bring it up to date.
export function actorTable() {
  const made = table({
    label: 'Actors', key: keyOf, trouble: troubleOf, open: (a) => detail(keyOf(a)), empty: 'The tree has not come yet.',
    columns: columns((a) => (a.family ? `${a.Kind} × ${count(a.Actors)}` : name(a.Path))),
  });
  made.node.classList.add('tree');
  return [made.node, () => {
    const list = live.tree ? withFamilies(live.tree) : [];
    made.show(list);
    list.forEach((a, i) => {
      const row = made.node.querySelector('tbody').children[i];
      attr(row, 'data-depth', Math.min(4, a.depth));
    });
  }];
}
