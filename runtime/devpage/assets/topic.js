// The topic tester: who would get a message of a topic.

import { h, field } from './dom.js';
import { get } from './api.js';
import { table } from './table.js';
import { target } from './format.js';
import { label, value } from './facts.js';
import { go } from './nav.js';

const options = (m) => Object.entries(m.Options || {}).filter(([key, v]) => v && key !== 'QoS' && !(key === 'Batch' && v < 2))
  .map(([key, v]) => `${label(key)} ${value(key, v)}`).join(', ') || 'as usual';

const perMember = (routes) => routes.flatMap((r) => (r.Members || []).map((m) => ({ ...m, Filter: r.Filter, asked: r.QoS })));

function verdict(body, topic) {
  if (body.Error) return ['bad', body.Error];
  const routes = body.Routes || [];
  if (!routes.length) return ['warn', `No filter matches ${topic}: a message of it is taken and goes nowhere.`];
  const reached = new Set(perMember(routes).map((m) => target(m.Target))).size;
  return ['', `${routes.length} matching filter${routes.length > 1 ? 's' : ''}; ${reached} group${reached > 1 ? 's' : ''} or channel${reached > 1 ? 's' : ''} would get it, once each.`];
}

// topic is the panel.
export function topic() {
  const input = h('input', { type: 'text', id: 'topic', 'data-find': true, class: 'mono', autocomplete: 'off', spellcheck: 'false', placeholder: 'house/kitchen/temperature', input: () => show() });
  const answer = h('p', { class: 'verdict', role: 'status', id: 'verdict' });
  const list = table({
    label: 'Matches', key: (m) => m.Filter + '\n' + target(m.Target), empty: 'Type a topic to see who would get it.',
    columns: [
      { title: 'Filter', head: true, mono: true, grow: true, text: (m) => m.Filter },
      { title: 'Goes to', grow: true, text: (m) => target(m.Target) },
      { title: 'QoS', num: true, text: (m) => `${m.Options?.QoS ?? 0} of ${m.asked}` },
      { title: 'Way', wide: true, text: (m) => (m.Way ? 'by this filter' : 'by another that matches') },
      { title: 'Options', wide: true, grow: true, text: options },
      { title: 'From', wide: true, text: (m) => (m.Static ? 'configuration' : 'a consumer') },
    ],
  });
  const show = async () => {
    const text = input.value.trim();
    if (!text) { answer.textContent = ''; answer.className = 'verdict'; return list.show([]); }
    let body;
    try { body = await get('match', { topic: text }); } catch (error) { body = { Error: error.message }; }
    if (text !== input.value.trim()) return;
    const [trouble, sentence] = verdict(body, text);
    answer.textContent = sentence;
    answer.className = 'verdict ' + trouble;
    list.show(perMember(body.Routes || []));
  };
  const follow = h('button', { type: 'button', click: () => input.value.trim() && go('follow', { topic: input.value.trim() }) }, 'Follow the next message of it');
  return { node: h('div', null, h('div', { class: 'row' }, field('Topic', input, 'grow'), follow), answer, list.node), title: 'Topic', on: [], show };
}
