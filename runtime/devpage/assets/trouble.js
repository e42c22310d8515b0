// What is wrong, and how bad it is.

import { live, at, now, series, actor, sumOf, stat, lost } from './live.js';
import { span, count } from './format.js';
import { name, kindName as called } from './names.js';

const fresh = 10_000, recent = 60_000; // ms since a failure
const old = 1e9; // ns that a message has waited

const info = (path) => live.info.get(path) || {};

// why is what an actor died of last, and when it tries again.
function why(path) {
  const failure = actor(path)?.Failure, last = live.timeline.findLast((line) => line.Path === path);
  if (!failure) return '';
  return failure.Text + (last?.What === 'waiting' && last.Text ? `; waits ${last.Text}` : '');
}

// sides tells whether either side is there, and why not.
export function sides() {
  const bridge = info(at()), commands = info(at('commands')), state = info(at('session')).State || {};
  return {
    layer: bridge.LayerUp !== false && commands.LayerUp !== false,
    layerWhy: why(at('commands/reader')) || commands.LayerReason || '',
    mqtt: bridge.ConnectionUp !== false && state.Connected !== false,
    mqttWhy: why(at('session/connection')) || state.Reason || '',
    mqttSince: state.Since,
  };
}

// away are the actors that stand at a side, by what follows the bridge in their paths.
const away = {
  '/session/connection': (s) => !s.mqtt && (s.mqttWhy ? `not connected: ${s.mqttWhy}` : 'not connected'),
  '/commands/reader': (s) => !s.layer && `not connected: ${s.layerWhy || 'Redis does not answer'}`,
};

const awayOf = (path) => (path.startsWith(live.root + '/') ? away[path.slice(live.root.length)] : undefined);

// standby says that others hold all session slots.
export const standby = () => Boolean(live.tree?.Slots?.Standby);

// ofActor is how bad an actor is ('', 'warn' or 'bad') and why.
export function ofActor(a) {
  const gone = awayOf(a.Path)?.(sides());
  if (gone) return ['bad', gone];
  if (a.State === 'restarting') return ['bad', 'restarting'];
  const age = a.Failure ? now() - new Date(a.Failure.At) : Infinity;
  if (age < fresh && !awayOf(a.Path)) return ['bad', `failed ${span(age)} ago`];
  if (a.Age > old) return ['warn', `oldest has waited ${span(a.Age / 1e6)}`];
  if (age < recent) return ['warn', `failed ${span(age)} ago`];
  return ['', ''];
}

// ofKind is the same for all actors of a kind.
export function ofKind(kind) {
  const f = sumOf(kind);
  if (f?.Troubled) return ['warn', `${count(f.Troubled)} in trouble`];
  return ['', ''];
}

// ofQueues is the same for the queues in Redis.
export function ofQueues() {
  const dropping = series('stat:lost').rates.slice(-30).some((n) => n > 0);
  if (dropping) return ['warn', 'dropping'];
  if (stat('overflow')) return ['warn', `${count(stat('overflow'))} wait for room`];
  return ['', ''];
}

const because = (what, why) => (why ? `${what}: ${why}` : what + '.');

// all are the troubles there are, worst first, as [how bad, sentence, path].
export function all() {
  const list = [], s = sides();
  if (!live.tree) return [['', 'Waiting for the worker …', '']];
  if (!live.connected) list.push(['bad', 'The worker does not answer; this page shows its last state.', '']);
  const free = (live.tree.Slots?.All || []).filter((slot) => !slot.Holder).length;
  if (free && live.tree.Slots.Workers) list.push(['bad', `${count(free)} of the MQTT sessions ${free > 1 ? 'are' : 'is'} held by no worker.`, '']);
  if (standby()) return [...list, ['', 'Standing by: other workers hold all MQTT sessions.', '']];
  if (!s.layer) list.push(['bad', because('Redis is unreachable', s.layerWhy), 'redis']);
  if (!s.mqtt) list.push(['bad', because('No connection to the MQTT broker', s.mqttWhy), 'mqtt']);
  for (const a of live.tree?.Actors || []) {
    const [trouble, why] = ofActor(a);
    if (trouble && !awayOf(a.Path)?.(s)) list.push([trouble, `${name(a.Path)}: ${why}`, a.Path]);
  }
  for (const kind of ['subscription', 'group', 'channel', 'stream']) {
    const [trouble, why] = ofKind(kind);
    if (trouble) list.push([trouble, `${called(kind)}: ${why}`, 'kind:' + kind]);
  }
  if (ofQueues()[0]) list.push(['warn', queues(), 'queues']);
  return list.sort((a, b) => (a[0] > b[0]) - (a[0] < b[0]));
}

function queues() {
  const dropped = lost.filter((name) => stat(name)).map((name) => `${count(stat(name))} ${name}`);
  const waiting = stat('overflow') ? `${count(stat('overflow'))} messages wait for room in a queue` : 'Queues have been full';
  return waiting + (dropped.length ? ` (dropped since the start: ${dropped.join(', ')})` : '') + '.';
}
