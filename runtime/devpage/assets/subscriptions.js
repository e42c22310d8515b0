// All subscriptions: search, sort, pages.

import { h, field, say, intro } from './dom.js';
import { get } from './api.js';
import { table, pager } from './table.js';
import { count, since } from './format.js';
import { target } from './names.js';
import { now } from './live.js';
import { go } from './nav.js';

const qos = (s) => (s.Refusal ? `✕ refused: ${s.Refusal}` : !s.Answered ? `${s.Asked}, not answered yet` : s.Granted === s.Asked ? s.Granted : `${s.Granted}, not ${s.Asked}`);

function subscribers(s) {
  const list = s.Subscribers || [], more = list.length > 2 ? ` and ${list.length - 2} more` : '';
  return list.slice(0, 2).map((m) => target(m.Target)).join(', ') + more;
}

// subscriptions is the panel.
export function subscriptions() {
  const search = h('input', { type: 'search', id: 'find-subscription', 'data-find': true, placeholder: 'part of a filter', input: () => { pages.offset = 0; show(); } });
  const sort = { key: 'filter', desc: false, by: (key) => {
    sort.desc = sort.key === key ? !sort.desc : key !== 'filter';
    sort.key = key;
    pages.offset = 0;
    show();
  } };
  const pages = pager(50, () => show());
  const list = table({
    label: 'Subscriptions', key: (s) => s.Path, sort, open: (s) => go('detail', s.Path), trouble: (s) => (s.Refusal ? 'bad' : ''),
    empty: 'No such subscription. A consumer makes one with @on_mqtt or mqtt.subscribe.',
    columns: [
      { title: 'Filter', sort: 'filter', head: true, topic: true, grow: true, text: (s) => s.Filter },
      { title: 'QoS granted', num: true, text: qos },
      { title: 'Goes to', grow: true, wide: true, text: subscribers },
      { title: 'Messages', sort: 'messages', num: true, text: (s) => count(s.Messages) },
      { title: 'Last message', sort: 'last', num: true, wide: true, text: (s) => ((ago) => (ago === 'never' ? ago : ago + ' ago'))(since(s.LastAt, now())) },
      { title: 'Its topic', wide: true, topic: true, grow: true, text: (s) => s.LastTopic },
    ],
  });
  let asked = 0;
  async function show() {
    const turn = ++asked;
    const query = { text: search.value, sort: sort.key, offset: pages.offset, limit: pages.limit };
    if (sort.desc) query.desc = 1;
    try {
      const { Total, Rows } = await get('subscriptions', query);
      if (turn !== asked) return; // a later question is under way
      list.show(Rows || []);
      pages.show(Total);
    } catch (error) { say(error.message, 'bad'); }
  }
  return { node: h('div', null, intro('Every filter that consumers have subscribed, and who gets its messages. Click a filter for details.'), h('div', { class: 'row' }, field('Find', search), pages.node), list.node), title: 'Subscriptions', on: ['tree'], show, slow: 2 };
}
