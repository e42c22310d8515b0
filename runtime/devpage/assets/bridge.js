// The bridge: the actors as a track between Redis and the MQTT broker, with the
// traffic on each stretch.

import { h, put, attr, mark, glyph, word, intro } from './dom.js';
import { spark } from './spark.js';
import { live, at, actor, sumOf, series } from './live.js';
import { ofActor, ofKind, ofQueues, sides, all, standby } from './trouble.js';
import { rate, count, since } from './format.js';
import { part, purpose } from './names.js';
import { go } from './nav.js';
import { actorTable } from './actors.js';
import { tiles } from './tiles.js';
import { slots } from './slots.js';
import { first } from './first.js';

// Each node: its place in the grid, what it is called and how it is seen.
const nodes = [
  ['redis', 'Redis', () => seenSide('layer', live.about.Redis, 'Django site')],
  ['read', part('reader'), () => seenActor(at('commands/reader'))],
  ['cmds', part('commands'), () => seenActor(at('commands'))],
  ['rout', part('router'), () => seenActor(at('router'))],
  ['sess', part('session'), () => seenActor(at('session'))],
  ['conn', part('connection'), () => seenActor(at('session/connection'))],
  ['mqtt', 'MQTT broker', () => seenSide('mqtt', live.about.Broker, 'devices')],
  ['subs', 'Subscriptions', () => seenKind('filter', 'subscription')],
  ['grps', 'Groups', () => seenKind('', 'group', 'channel', 'stream')],
];

// Each stretch: its place, which way it leads, what travels, and the counter of it.
// Those at an end lead to a side that may be away.
const stretches = [
  ['e0', 'out', 'commands from Redis', 'stat:commands', 'layer'],
  ['e1', 'out', 'commands taken', 'stat:commands'],
  ['e2', 'out', 'commands to the router', 'stat:commands'],
  ['e3', 'out', 'publishes to the session', 'stat:published'],
  ['e4', 'out', 'publishes to the connection', 'stat:published'],
  ['e5', 'out', 'publishes to MQTT', 'stat:published', 'mqtt'],
  ['f4', 'in', 'messages from MQTT', 'stat:received', 'mqtt'],
  ['f3', 'in', 'messages to the router', 'stat:received'],
  ['f2', 'in', 'messages to subscriptions', 'kind:subscription'],
  ['f1', 'in', 'messages to groups', 'sent:subscription'],
  ['f0', 'in', 'messages into queues', 'stat:stored', 'layer'],
];

const keepers = ['', 'store', 'requests'];

function seenActor(path) {
  const a = actor(path);
  if (!a) return { trouble: live.tree && !standby() ? 'bad' : '', value: '–', note: standby() ? 'standing by' : live.tree ? 'not there' : '…', path };
  const [trouble, why] = ofActor(a), version = a.Kind === 'connection' && live.info.get(a.Path)?.Version;
  return { trouble, value: `${count(a.Waiting)} waiting`, note: why || (version ? `speaks MQTT ${version}` : purpose(a.Kind)), path };
}

function seenKind(each, ...kinds) {
  const found = kinds.map(sumOf).filter(Boolean);
  const [trouble, why] = kinds.map(ofKind).find(([t]) => t) || (kinds.includes('group') && ofQueues()[0] ? ofQueues() : ['', '']);
  const sum = (key) => found.reduce((n, f) => n + f[key], 0);
  const n = sum('Actors');
  return { trouble, value: each ? `${count(n)} ${each}${n === 1 ? '' : 's'}` : `${count(n)} in all`, note: why || `${count(sum('Waiting'))} messages waiting`, path: 'kind:' + kinds[0] };
}

function seenSide(side, address, beyond) {
  const s = sides();
  const note = s[side] ? `⇄ ${beyond}` : side === 'mqtt' && s.mqttSince ? `not connected for ${since(s.mqttSince)}` : 'not connected';
  return { trouble: s[side] ? '' : 'bad', value: (address || '').replaceAll('mqtt://', ''), note, path: side === 'layer' ? 'redis' : 'mqtt' };
}

function nodeAt([place, title, see]) {
  const icon = h('span', { class: 'glyph', 'aria-hidden': 'true' }), value = h('span', { class: 'value' }), note = h('span', { class: 'note' });
  const how = h('span', { class: 'aloud' });
  const pillar = place === 'redis' || place === 'mqtt';
  const node = h('button', { type: 'button', class: `node at-${place}${pillar ? ' pillar' : ''}`, id: 'at-' + place, click: () => go('detail', see().path) },
    h('span', { class: 'title' }, icon, title), how, value, note);
  const show = () => {
    const seen = see();
    mark(node, seen.trouble);
    put(icon, glyph(seen.trouble));
    put(value, seen.value);
    put(note, seen.note);
    put(how, word(seen.trouble));
    attr(node, 'title', seen.note);
  };
  return [node, show];
}

function stretch([place, way, what, key, side]) {
  const line = spark(), value = h('span', { class: 'rate' });
  const node = h('div', { class: `stretch ${way} at-${place}`, title: what },
    line, h('span', { class: 'track', 'aria-hidden': 'true' }, h('span', { class: 'train' })), value);
  const show = () => {
    const { rates, now } = series(key.startsWith('actor:') ? at(key.slice(6)) : key), cut = side && !sides()[side];
    line.show(rates);
    node.classList.toggle('cut', Boolean(cut));
    put(value, cut ? '✕ cut' : rate(now) + '/s');
    attr(node, 'data-flow', cut ? null : now > 50 ? 'fast' : now > 0 ? 'slow' : null);
  };
  return [node, show];
}

function keeper(rest) {
  const icon = h('span', { class: 'glyph', 'aria-hidden': 'true' }), note = h('span', { class: 'note' });
  const node = h('button', { type: 'button', class: 'keeper', title: purpose(rest || 'bridge'), click: () => go('detail', at(rest)) }, icon, h('span', { class: 'title' }, part(rest || 'bridge')), note);
  const show = () => {
    const seen = seenActor(at(rest));
    mark(node, seen.trouble);
    put(icon, glyph(seen.trouble));
    put(note, seen.trouble ? seen.note : seen.value);
  };
  return [node, show];
}

function alarm() {
  const icon = h('span', { class: 'glyph', 'aria-hidden': 'true' }), text = h('span', { class: 'text' }), more = h('span', { class: 'more' });
  const aloud = h('p', { class: 'aloud', role: 'status' });
  let path = '', said = '';
  const node = h('button', { type: 'button', class: 'alarm', id: 'alarm', click: () => path && go('detail', path) }, icon, text, more);
  const show = () => {
    const list = all(), [trouble, sentence, where] = list[0] || ['', 'All is well.', ''];
    path = where;
    node.hidden = !list.length;
    mark(node, trouble);
    put(icon, glyph(trouble));
    put(text, sentence);
    put(more, list.length > 1 ? `and ${list.length - 1} more` : '');
    attr(node, 'title', list.map((one) => one[1]).join('\n'));
    if (said !== trouble + where) put(aloud, sentence); // once, not each time that its seconds change
    said = trouble + where;
  };
  return [[node, aloud], show];
}

// bridge is the panel.
export function bridge() {
  const track = [...nodes.map(nodeAt), ...stretches.map(stretch)], side = keepers.map(keeper);
  const [alert, alarmed] = alarm(), [row, counted] = tiles(), [table, listed] = actorTable(), [sessions, held] = slots(), [steps, begun] = first();
  const node = h('div', null, alert, steps,
    intro('Messages pass between your site’s Redis and the MQTT broker. The number at an arrow is how many pass in a second. Click a box for details.'),
    h('div', { class: 'bridge', role: 'group', 'aria-label': 'The way between Redis and MQTT' }, track.map(([n]) => n)),
    h('div', { class: 'under' },
      h('span', { class: 'key out' }, 'commands to devices'), h('span', { class: 'key in' }, 'messages to the site'),
      h('span', { class: 'keepers' }, side.map(([n]) => n))),
    row, sessions, h('h2', null, 'Parts of the worker'), intro('Each part handles one message after the other. If one fails, only that part is restarted.'), table);
  const shows = [alarmed, begun, counted, held, listed, ...track.map(([, s]) => s), ...side.map(([, s]) => s)];
  return { node, title: 'Overview', on: ['tree', 'info', 'connected', 'about'], show: () => shows.forEach((s) => s()) };
}
