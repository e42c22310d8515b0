// An actor's info as a list, whatever it is.

import { h, put } from './dom.js';
import { count, bytes, span, clock } from './format.js';
import { target } from './names.js';
import { now } from './live.js';

// Where a word needs its part of the worker to be understood, that is in front of it.
const words = {
  LayerUp: 'Redis answers', ConnectionUp: 'MQTT is connected', LastAt: 'Last message', LastTopic: 'Its topic',
  Asked: 'QoS asked for', Granted: 'QoS granted', Answered: 'The broker has answered', Refusal: 'Refused by the broker', KeepAlive: 'Keep-alive',
  Present: 'Session resumed', MaximumPacket: 'Largest message', ClientID: 'Client id', NoLocal: 'no_local', MinInterval: 'min_interval', QoS: 'QoS',
  Version: 'MQTT version', Connection: 'Connections so far', Live: 'Connected', Since: 'Since', Reason: 'Why not', LayerReason: 'Problem',
  Outbox: 'Publishes not acknowledged', Outgoing: 'Publishes to be sent', Changes: 'Filters not sent to the broker yet', Attempts: 'Failed attempts in a row',
  UnderWay: 'Not finished yet', Window: 'Limit', Bytes: 'Memory used', Unanswered: 'Answers not sent yet',
  Targets: 'Groups and channels', Restored: 'Subscriptions restored', Held: 'Messages held back', Delivers: 'Delivered by this filter', Static: 'From the configuration',
  Messages: 'Messages', Subscribers: 'Groups and channels', Reached: 'Consumers', Length: 'Messages', Capacity: 'Capacity',
  Writing: 'Writing now', Written: 'Messages written', Dropped: 'Messages dropped', Overflows: 'Full queues', Stuck: 'Nobody reads it',
  Stored: 'Subscriptions in Redis', Leaving: 'Subscriptions to be removed', Unwritten: 'Changes not yet in Redis', Waiting: 'Messages waiting',
};

const codes = {
  Payload: ['auto', 'json', 'text', 'bytes'],
  Overflow: ['wait', 'drop', 'latest'],
  Version: { 4: '3.1.1', 5: '5' },
};

// label is a key of Go's as people write it.
export const label = (key) => words[key] || key.replace(/([a-z])([A-Z])/g, '$1 $2').replace(/^(.)(.*)/, (_, a, b) => a + b.toLowerCase());

// value is one of them as text.
export function value(key, v) {
  if (v == null || v === '') return '–';
  if (codes[key]?.[v]) return codes[key][v];
  if (typeof v === 'boolean') return v ? 'yes' : 'no';
  if (key === 'KeepAlive') return v + ' s';
  if (key === 'MinInterval') return v ? span(v / 1e6) : 'none';
  if (/Bytes$|^MaximumPacket$/.test(key)) return v ? bytes(v) : key === 'MaximumPacket' ? 'no limit' : '0 B';
  if (typeof v === 'number') return count(v);
  if (/^\d{4}-\d\d-\d\dT/.test(v)) return v.startsWith('0001-') ? 'never' : `${clock(v)} (${span(now() - new Date(v))} ago)`;
  return String(v);
}

const isTarget = (v) => v && typeof v === 'object' && 'Name' in v && 'Kind' in v && Object.keys(v).length === 2;

// rows is the info as [name, text] pairs; what is nested follows in line, and
// lists are counted.
export function rows(info) {
  const list = [], add = (pair) => list.some(([name]) => name === pair[0]) || list.push(pair); // Version stands twice
  for (const [key, v] of Object.entries(info || {})) {
    if (isTarget(v)) add([label(key), target(v)]);
    else if (Array.isArray(v)) add([label(key), count(v.length)]);
    else if (v && typeof v === 'object') rows(v).forEach(add);
    else add([label(key), value(key, v)]);
  }
  return list;
}

// pairs draws [name, text] pairs; its method show brings it up to date.
export function pairs() {
  const node = h('dl');
  let names = '';
  node.show = (list) => {
    const now = list.map(([name]) => name).join('\n');
    if (now !== names) node.replaceChildren(...list.flatMap(([name]) => [h('dt', null, name), h('dd')]));
    names = now;
    list.forEach(([, text], i) => put(node.children[2 * i + 1], text));
  };
  return node;
}

const most = 50; // of the items of a list

function items(info) {
  return Object.entries(info || {}).filter(([, v]) => Array.isArray(v) && v.length)
    .flatMap(([key, v]) => [h('h3', null, label(key)), h('ul', { class: 'items' }, v.slice(0, most).map((item) => h('li', null,
      rows(item).map(([name, text]) => h('span', { class: 'item' }, h('span', { class: 'muted' }, name + ' '), text)))))]);
}

// infoList draws all info, what is in lists below the others.
export function infoList() {
  const list = pairs(), title = h('h3', null, 'More'), below = h('div'), node = h('div', null, title, list, below);
  let drawn = '';
  node.show = (info) => {
    const all = rows(info), lists = JSON.stringify(Object.values(info || {}).filter(Array.isArray));
    title.hidden = !all.length;
    list.show(all);
    if (lists !== drawn) below.replaceChildren(...items(info));
    drawn = lists;
  };
  return node;
}
