// The topic tester: who would get a message of a topic.

import { h, field, fault, intro } from './dom.js';
import { get } from './api.js';
import { table } from './table.js';
import { target } from './names.js';
import { label, value } from './info.js';
import { go } from './nav.js';

const options = (m) => Object.entries(m.Options || {}).filter(([key, v]) => v && key !== 'QoS' && !(key === 'Batch' && v < 2))
  .map(([key, v]) => `${label(key)} ${value(key, v)}`).join(', ') || 'none';

const perSubscriber = (routes) => routes.flatMap((r) => (r.Subscribers || []).map((m) => ({ ...m, Filter: r.Filter, asked: r.QoS })));

function result(body, topic) {
  if (body.Error) return ['', ''];
  const routes = body.Routes || [];
  if (!routes.length) return ['warn', `Nobody: no filter matches ${topic}.`];
  const reached = new Set(perSubscriber(routes).map((m) => target(m.Target))).size;
  return ['', `${routes.length} filter${routes.length > 1 ? 's match' : ' matches'}; ${reached === 1 ? '1 group or channel gets' : `${reached} groups and channels get`} it, once each.`];
}

// topic is the panel.
export function topic() {
  const input = h('input', { type: 'text', id: 'topic', 'data-find': true, class: 'mono', autocomplete: 'off', spellcheck: 'false', placeholder: 'house/kitchen/temperature', input: () => show() });
  const answer = h('p', { class: 'result', role: 'status', id: 'result' });
  const list = table({
    label: 'Matches', key: (m) => m.Filter + '\n' + target(m.Target), empty: 'Type a topic to see who would get it.',
    columns: [
      { title: 'Filter', head: true, topic: true, grow: true, text: (m) => m.Filter },
      { title: 'Goes to', grow: true, text: (m) => target(m.Target) },
      { title: 'QoS, at most', num: true, text: (m) => Math.min(m.Options?.QoS ?? 0, m.asked) },
      { title: 'Delivered by', wide: true, text: (m) => (m.Delivers ? 'this filter' : 'another that matches') },
      { title: 'Options', wide: true, grow: true, text: options },
      { title: 'Subscribed by', wide: true, text: (m) => (m.Static ? 'the configuration' : 'a consumer') },
    ],
  });
  const show = async () => {
    const text = input.value.trim();
    fault(input, '');
    if (!text) { answer.textContent = ''; answer.className = 'result'; return list.show([]); }
    let body;
    try { body = await get('match', { topic: text }); } catch (error) { body = { Error: error.message }; }
    if (text !== input.value.trim()) return;
    const [trouble, sentence] = result(body, text);
    answer.textContent = sentence;
    answer.className = 'result ' + trouble;
    if (body.Error) fault(input, body.Error);
    list.show(perSubscriber(body.Routes || []));
  };
  const follow = h('button', { type: 'button', click: () => (input.value.trim() ? go('follow', { topic: input.value.trim() }) : fault(input, 'Which topic?')) }, 'Follow its next message');
  return { node: h('div', null, intro('Who would get a message with a topic, and why. Type the topic: nothing is published.'), h('div', { class: 'row' }, field('Topic', input, 'grow'), follow), answer, list.node), title: 'Topic', on: [], show };
}
