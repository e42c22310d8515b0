// An actor's facts as a list, whatever they are.

import { h } from './dom.js';
import { count, bytes, span, clock, target } from './format.js';
import { now } from './live.js';

const words = {
  UnderWay: 'Under way', LayerUp: 'Redis is there', SessionUp: 'MQTT is there', LastAt: 'Last message', LastTopic: 'Last topic',
  Asked: 'QoS asked for', Granted: 'QoS granted', Answered: 'Broker has answered', KeepAlive: 'Keep-alive', Present: 'Stored session resumed',
  MaximumPacket: 'Largest packet', ClientID: 'Client id', NoLocal: 'no_local', MinInterval: 'min_interval', QoS: 'QoS', Unanswered: 'Answers owed',
  Writing: 'Write under way', Outgoing: 'To be written', Held: 'Held back', Unwritten: 'Not yet in Redis',
};

const codes = {
  Payload: ['auto', 'json', 'text', 'bytes'],
  Overflow: ['wait', 'drop', 'latest'],
  Version: { 4: '3.1.1', 5: '5' },
};

// label is a key of Go's as people write it.
export const label = (key) => words[key] || key.replace(/([a-z])([A-Z])/g, '$1 $2').replace(/^(.)(.*)/, (_, a, b) => a + b.toLowerCase());

// value is a fact as text.
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

// rows are the facts as [name, text] pairs; what is nested follows in line, and
// lists are counted.
export function rows(facts) {
  const list = [];
  for (const [key, v] of Object.entries(facts || {})) {
    if (isTarget(v)) list.push([label(key), target(v)]);
    else if (Array.isArray(v)) list.push([label(key), count(v.length)]);
    else if (v && typeof v === 'object') list.push(...rows(v));
    else list.push([label(key), value(key, v)]);
  }
  return list;
}

// lists are the lists among the facts, as [name, [[text...]...]].
export function lists(facts) {
  return Object.entries(facts || {}).filter(([, v]) => Array.isArray(v) && v.length)
    .map(([key, v]) => [label(key), v.slice(0, 50).map((item) => rows(item).map(([k, text]) => [k, text]))]);
}

// pairs draws [name, text] pairs.
export const pairs = (list) => h('dl', null, list.map(([k, v]) => [h('dt', null, k), h('dd', null, v)]));
