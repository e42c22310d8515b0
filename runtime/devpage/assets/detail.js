// The drawer: one part of the worker, all of a kind, or one of the two sides, in full.

import { h, put, mark, glyph, field } from './dom.js';
import { get } from './api.js';
import { live, at, on, now, series, actor } from './live.js';
import { spark } from './spark.js';
import { ofActor, sides } from './trouble.js';
import { action } from './act.js';
import { rows, pairs, infoList } from './info.js';
import { table, pager } from './table.js';
import { columns } from './columns.js';
import { register, go } from './nav.js';
import { count, rate, duration, since, span, clock } from './format.js';
import { name, kindName as called, purpose } from './names.js';

const drawer = () => document.getElementById('detail');
let before, refresh, path;

register('detail', detail);

// detail opens the drawer on a path, "kind:<kind>", "redis", "mqtt" or "queues".
function detail(what) {
  if (what === 'queues') return void (location.hash = '#/queues');
  if (drawer().hidden) before = document.activeElement;
  path = what;
  const content = what.startsWith('kind:') ? ofKind(what.slice(5)) : what === 'redis' || what === 'mqtt' ? ofSide(what) : ofOne(what);
  refresh = content.show;
  const close = h('button', { type: 'button', class: 'quiet', id: 'detail-close', 'aria-label': 'Close the details', click: shut }, '✕');
  const heading = h('h2', { tabindex: '-1', id: 'detail-title' }, content.title);
  drawer().replaceChildren(h('div', { class: 'detail-head' }, heading, close), content.node);
  drawer().hidden = false;
  heading.focus({ preventScroll: true });
  refresh();
}

// shut closes it; it tells whether it was open.
export function shut() {
  if (drawer().hidden) return false;
  drawer().hidden = true;
  refresh = null;
  before?.focus?.();
  return true;
}

on('tree', () => refresh?.());

function ofOne(path) {
  const state = h('p', { class: 'state' }), figures = pairs(), failure = h('div'), info = infoList(), line = spark('in');
  const kind = path.slice(path.lastIndexOf('/') + 1).split(':')[0];
  const node = h('div', null, h('p', { class: 'muted' }, purpose(kind)), h('p', { class: 'mono muted wrap' }, path), state, line, figures, info, failure, buttons(path, kind, () => filter));
  let shown = '', filter = name(path);
  const show = async () => {
    let a;
    try { a = await get('actor', { path }); } catch (error) { a = null; put(state, `It is gone: ${error.message}.`); }
    if (!a || !node.isConnected) return;
    if (!actor(path)) series(path).add(a.Handled, now());
    line.show(series(path).rates);
    const [trouble, why] = ofActor(a);
    put(state, `${glyph(trouble)} ${a.State} for ${since(a.Since, now())}${why && why !== a.State ? '; ' + why : ''}`);
    mark(state, trouble);
    figures.show(figuresOf(a));
    info.show(a.Queues ? { ...a.Info, Reached: a.Members, Queues: a.Queues } : a.Info);
    if (a.Kind === 'subscription' && a.Info) filter = a.Info.Filter; // the path has only its beginning
    const stamp = a.Failure ? a.Failure.At + a.Failure.Text : '';
    if (stamp !== shown || !stamp) failure.replaceChildren(...failureOf(a.Failure)); // a stack that is open stays open
    shown = stamp;
  };
  return { title: name(path), node, show };
}

const figuresOf = (a) => [
  ['Waiting', `${count(a.Waiting)} messages`], ['Oldest has waited', a.Age ? span(a.Age / 1e6) : '–'],
  ['Handled', `${count(a.Handled)} messages`], ['Handled a second', rate(series(a.Path).now)],
  ['Sent to other parts', `${count(a.Sent)} messages`], ['Last one took', duration(a.Last)], ['Restarts', count(a.Restarts)],
];

function failureOf(failure) {
  if (!failure) return [];
  return [h('h3', null, 'Last failure'), h('p', { class: 'bad-text wrap' }, failure.Text), h('p', { class: 'muted' }, clock(failure.At)),
    failure.Stack && h('details', null, h('summary', null, 'Stack'), h('pre', { tabindex: '0' }, failure.Stack))].filter(Boolean);
}

// Those that give up what they hold when they are restarted; the others go on with it.
const forgetful = ['connection', 'subscription', 'group', 'channel', 'stream'];

const cut = 'The MQTT connection is closed and opened again. Messages of QoS 0 that come in between are lost.';

function buttons(path, kind, filter) {
  const loses = forgetful.includes(kind) ? 'This part fails, and is restarted. Messages of QoS 0 that it holds are lost.' : '';
  const list = path.includes('/') ? [action('Restart', () => ({ Action: 'restart', Path: path }), { loses })] : [];
  if (kind === 'connection') list.push(action('Disconnect', () => ({ Action: 'disconnect', Path: path }), { loses: cut }));
  if (kind === 'subscription') list.push(h('button', { type: 'button', click: () => { shut(); go('tail', filter()); } }, 'Show its messages'));
  if (kind === 'group' || kind === 'channel' || kind === 'stream') list.push(...slowing(path));
  return h('div', { class: 'row acts' }, list.filter(Boolean));
}

function slowing(path) {
  if (!live.about.MayAct || !live.about.Dev) return [];
  const millis = h('input', { type: 'number', min: '0', max: '10000', value: '500', size: '6' });
  return [field('ms longer for each write', millis), action('Slow down', () => ({ Action: 'slow', Path: path, Millis: Number(millis.value) }), { dev: true })];
}

// ofSide is what is known of Redis or the MQTT broker.
function ofSide(side) {
  const redis = side === 'redis', list = pairs();
  const server = redis ? 'redis' : 'broker', runs = () => live.tree?.Servers?.[server]; // undefined: it is not inside this program
  const stop = action('Stop', () => ({ Action: 'stop-' + server }), { dev: true, loses: redis ? '' : 'The broker inside this program stops. The messages that it retains, and what it keeps for clients that are not connected, are lost.' });
  const start = action('Start', () => ({ Action: 'start-' + server }), { dev: true });
  const node = h('div', null, list, h('div', { class: 'row acts' }, [
    !redis && action('Disconnect', () => ({ Action: 'disconnect', Path: at('session/connection') }), { loses: cut }), stop, start,
  ].filter(Boolean)));
  const show = () => {
    const s = sides(), up = redis ? s.layer : s.mqtt;
    for (const [button, disabled] of [[stop, !runs()], [start, runs()]]) {
      if (button) [button.hidden, button.disabled] = [runs() === undefined, disabled];
    }
    list.show([
      ['Address', (redis ? live.about.Redis : live.about.Broker) || '–'], ['State', `${glyph(up ? '' : 'bad')} ${up ? 'connected' : 'not connected'}`],
      ['Why', (redis ? s.layerWhy : s.mqttWhy) || '–'], ...(redis ? [['Command channel', live.about.Channel || '–']] : up ? rows(live.info.get(at('session/connection'))) : []),
    ]);
  };
  return { title: redis ? 'Redis' : 'MQTT broker', node, show };
}

// ofKind are the actors of a kind, page by page.
function ofKind(kind) {
  const search = h('input', { type: 'search', placeholder: 'part of the name', input: () => { pages.offset = 0; show(); } });
  const pages = pager(25, () => show());
  const list = table({
    label: called(kind), key: (a) => a.Path, trouble: (a) => ofActor(a)[0], open: (a) => detail(a.Path), empty: 'Nothing found.',
    columns: columns((a) => name(a.Path)).filter((c) => ['Part', 'State', 'Waiting', 'Handled'].includes(c.title)).map((c) => ({ ...c, wide: false })),
  });
  const show = async () => {
    try {
      const { Total, Actors } = await get('actors', { kind, text: search.value, offset: pages.offset, limit: pages.limit });
      list.show(Actors || []);
      pages.show(Total);
    } catch { /* the alarm says that the worker is away */ }
  };
  return { title: called(kind), node: h('div', null, field('Find', search, 'above'), list.node, pages.node), show };
}

