// What the worker keeps telling: the tree once a second, what happens to it, and
// its log. Panels listen with on(name, handler).

import { get, stream } from './api.js';
import { Series } from './spark.js';

const listeners = {};
const kept = { timeline: 1000, log: 1000 };

export const live = {
  about: {}, tree: null, root: 'bridge', chosen: 0, connected: false, offset: 0,
  timeline: [], log: [], info: new Map(), series: new Map(), drops: [],
};

export function on(name, handler) {
  (listeners[name] ||= new Set()).add(handler);
  return () => listeners[name].delete(handler);
}

function emit(name, value) {
  for (const handler of listeners[name] || []) handler(value);
}

// now is the time by the worker's clock.
export const now = () => Date.now() + live.offset;

// stat is one of the worker's counters, whichever way its name is spelled.
export const stat = (name) => live.stats?.[name] ?? 0;

// series is the rate of an actor (its path), a kind ("kind:group", "sent:group") or a
// counter ("stat:received").
export function series(key) {
  let s = live.series.get(key);
  if (!s) live.series.set(key, s = new Series());
  return s;
}

// at is the path of an actor under the bridge that is shown: that of the first session
// slot which the worker holds, or of the one that was chosen.
export const at = (rest) => live.root + (rest ? '/' + rest : '');

// choose shows the bridge of another slot.
export function choose(number) {
  live.chosen = number;
  root();
  emit('tree', live.tree);
}

function root() {
  const roots = live.tree.Actors.map((a) => a.Path).filter((path) => !path.includes('/'));
  const wanted = live.chosen ? 'bridge:' + live.chosen : 'bridge';
  live.root = roots.includes(wanted) ? wanted : roots[0] || 'bridge';
}

// actor is a single actor by its path.
export const actor = (path) => live.tree?.Actors.find((a) => a.Path === path);
// sumOf is the sum over all actors of a kind.
export const sumOf = (kind) => live.tree?.Kinds.find((f) => f.Kind === kind);

// lost are the counters of messages that were dropped.
export const lost = ['full', 'overflowed', 'expired', 'replaced', 'abandoned'];

function treeCame(tree) {
  tree.Actors ||= [];
  tree.Kinds ||= [];
  const at = new Date(tree.At).getTime();
  live.offset = at - Date.now();
  live.stats = {};
  for (const [name, value] of Object.entries(tree.Stats || {})) {
    const plain = name.toLowerCase().replaceAll('_', '');
    live.stats[plain] = value;
    series('stat:' + plain).add(value, at);
  }
  series('stat:lost').add(lost.reduce((sum, name) => sum + stat(name), 0), at);
  for (const a of tree.Actors) {
    series(a.Path).add(a.Handled, at);
    if (a.Info) live.info.set(a.Path, a.Info);
  }
  for (const f of tree.Kinds) {
    series('kind:' + f.Kind).add(f.Handled, at);
    series('sent:' + f.Kind).add(f.Sent, at);
  }
  if (!live.tree) performance.mark('tree');
  live.tree = tree;
  root();
  emit('tree', tree);
}

function timelineCame(lines) {
  const last = live.timeline.at(-1)?.Seq ?? -1;
  const fresh = [].concat(lines || []).filter((line) => line.Seq > last);
  live.timeline.push(...fresh);
  live.timeline.splice(0, live.timeline.length - kept.timeline);
  if (fresh.some((line) => asked().includes(line.Path) || line.Kind === 'reader')) askInfo();
  if (fresh.length) emit('timeline', fresh);
}

function logCame(line) {
  live.log.push(line);
  live.log.splice(0, live.log.length - kept.log);
  emit('log', line);
}

function stateCame(connected) {
  if (connected && !live.connected) [live.timeline, live.log] = [[], []]; // they come anew, perhaps of another worker
  live.connected = connected;
  emit('connected', connected);
}

// asked are the actors whose info the page shows at once, where the tree does
// not bring them.
const asked = () => ['', 'session', 'session/connection', 'commands', 'router'].map(at);

let asking = false;

async function askInfo() {
  if (asking || !live.connected || document.hidden || live.tree?.Actors.some((a) => a.Info)) return;
  asking = true;
  for (const path of asked()) { // one after the other, to leave room for other viewers
    try { live.info.set(path, (await get('actor', { path })).Info); } catch { /* what was known stays */ }
  }
  asking = false;
  emit('info');
}

// listen begins.
export function listen() {
  stream('events', {
    tree: treeCame,
    timeline: timelineCame,
    log: logCame,
    about: (about) => { live.about = about; emit('about', about); setTimeout(askInfo, 100); },
  }, stateCame);
  setInterval(askInfo, 2000);
}
