// Tables whose rows stay where they are while their cells change.

import { h, put, putTopic, attr, mark } from './dom.js';

// table makes one. A column has a title, and text(row) or fill(cell, row); num
// aligns it right, topic breaks it behind each "/", wide leaves it out on narrow screens, and sort makes its head
// a button. A row's key is what it is known by. show(list) shows the rows, or the text for
// none; unknown(why) shows no rows, since nobody knows which there are.
export function table({ label, columns, key, trouble = () => '', open, sort, empty = 'Nothing.' }) {
  const heads = columns.map((c) => head(c, sort));
  const body = h('tbody'), none = h('p', { class: 'empty' }, 'Loading …');
  const node = h('div', { class: 'scroll', role: 'region', 'aria-label': label, tabindex: '0' },
    h('table', null, h('thead', null, h('tr', null, heads.map(([n]) => n))), body), none);
  const rows = new Map();
  const show = (list) => {
    const seen = new Set();
    list.forEach((item, i) => {
      const id = key(item);
      seen.add(id);
      let row = rows.get(id);
      if (!row) rows.set(id, row = makeRow(columns, open));
      row.fill(item, trouble(item));
      if (body.children[i] !== row.node) body.insertBefore(row.node, body.children[i] || null);
    });
    for (const [id, row] of rows) if (!seen.has(id)) { row.node.remove(); rows.delete(id); }
    none.hidden = list.length > 0;
    put(none, empty);
    mark(none, '');
    heads.forEach(([, refresh]) => refresh());
  };
  const unknown = (why) => {
    show([]);
    put(none, why);
    mark(none, 'warn');
  };
  return { node, show, unknown };
}

const cls = (c) => [c.num && 'num', c.wide && 'wide', (c.mono || c.topic) && 'mono', c.topic && 'topic', c.grow && 'grow'].filter(Boolean).join(' ');

function head(c, sort) {
  if (!c.sort) return [h('th', { scope: 'col', class: cls(c) }, c.title), () => {}];
  const arrow = h('span', { class: 'arrow', 'aria-hidden': 'true' });
  const node = h('th', { scope: 'col', class: cls(c) }, h('button', { type: 'button', 'data-sort': c.sort, click: () => sort.by(c.sort) }, c.num ? [arrow, c.title] : [c.title, arrow]));
  return [node, () => {
    const active = sort.key === c.sort;
    attr(node, 'aria-sort', active ? (sort.desc ? 'descending' : 'ascending') : null);
    put(arrow, active ? (sort.desc ? '↓' : '↑') : '');
  }];
}

function makeRow(columns, open) {
  const cells = columns.map((c) => h(c.head ? 'th' : 'td', { class: cls(c), scope: c.head && 'row' }));
  const node = h('tr', null, cells);
  const row = { node, item: null };
  const links = columns.map((c, i) => c.head && open && cells[i].appendChild(h('button', { type: 'button', class: 'link', click: () => open(row.item) })));
  row.fill = (item, trouble) => {
    row.item = item;
    mark(node, trouble);
    columns.forEach((c, i) => (c.fill ? c.fill(cells[i], item) : (c.topic ? putTopic : put)(links[i] || cells[i], c.text(item))));
  };
  return row;
}

// pager says which rows of how many are shown and turns the pages.
export function pager(size, turned) {
  const text = h('span', { class: 'num' });
  const back = h('button', { type: 'button', click: () => go(-size) }, '‹ Back'), on = h('button', { type: 'button', click: () => go(size) }, 'Next ›');
  const node = h('div', { class: 'pager' }, text, back, on);
  const pages = { node, offset: 0, limit: size };
  const go = (by) => { pages.offset = Math.max(0, pages.offset + by); turned(); };
  pages.show = (total) => {
    if (pages.offset >= total && pages.offset) return go(-size);
    const last = Math.min(total, pages.offset + size);
    put(text, total ? `${(pages.offset + 1).toLocaleString('en')}–${last.toLocaleString('en')} of ${total.toLocaleString('en')}` : 'none');
    back.disabled = pages.offset === 0;
    on.disabled = last >= total;
  };
  return pages;
}
