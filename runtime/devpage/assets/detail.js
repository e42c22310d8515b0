// The drawer: one actor, a family, or one of the two sides, in full.

import { h, put, mark, glyph, field } from './dom.js';
import { get } from './api.js';
import { live, at, on, now, series, actor } from './live.js';
import { spark } from './spark.js';
import { ofActor, sides } from './trouble.js';
import { action } from './act.js';
import { rows, pairs, factList } from './facts.js';
import { table, pager } from './table.js';
import { columns } from './columns.js';
import { register, go } from './nav.js';
import { count, rate, duration, since, span, clock, name } from './format.js';

const drawer = () => document.getElementById('detail');
let before, refresh, path;

register('detail', detail);

// detail opens the drawer on a path, "family:<kind>", "redis", "mqtt" or "queues".
function detail(what) {
  if (what === 'queues') return void (location.hash = '#/queues');
  if (drawer().hidden) before = document.activeElement;
  path = what;
  const content = what.startsWith('family:') ? ofKind(what.slice(7)) : what === 'redis' || what === 'mqtt' ? ofSide(what) : ofOne(what);
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
  const state = h('p', { class: 'state' }), figures = pairs(), failure = h('div'), facts = factList(), line = spark('in');
  const node = h('div', null, h('p', { class: 'mono muted wrap' }, path), state, line, figures, facts, failure, buttons(path, () => filter));
  let shown = '', filter = name(path);
  const show = async () => {
    let a;
    try { a = await get('actor', { path }); } catch (error) { a = null; put(state, `● gone (${error.message})`); }
    if (!a || !node.isConnected) return;
    if (!actor(path)) series(path).add(a.Handled, now());
    line.show(series(path).rates);
    const [trouble, why] = ofActor(a);
    put(state, `${glyph(trouble)} ${a.State} for ${since(a.Since, now())}${why && why !== a.State ? '; ' + why : ''}`);
    mark(state, trouble);
    figures.show(figuresOf(a));
    facts.show(a.Queues ? { ...a.Facts, Members: a.Members, Queues: a.Queues } : a.Facts);
    if (a.Kind === 'subscription' && a.Facts) filter = a.Facts.Filter; // the path has only its beginning
    const stamp = a.Failure ? a.Failure.At + a.Failure.Text : '';
    if (stamp !== shown || !stamp) failure.replaceChildren(...failureOf(a.Failure)); // a stack that is open stays open
    shown = stamp;
  };
  return { title: name(path), node, show };
}

const figuresOf = (a) => [
  ['Handled', `${count(a.Handled)} (${rate(series(a.Path).now)} /s)`], ['Sent', count(a.Sent)],
  ['Waiting in the mailbox', count(a.Waiting)], ['Oldest of them', a.Age ? span(a.Age / 1e6) : '–'],
  ['One takes', duration(a.Last)], ['Restarts', count(a.Restarts)],
];

function failureOf(failure) {
  if (!failure) return [];
  return [h('h3', null, 'Last failure'), h('p', { class: 'bad-text wrap' }, failure.Text), h('p', { class: 'muted' }, clock(failure.At)),
    failure.Stack && h('details', null, h('summary', null, 'Stack'), h('pre', { tabindex: '0' }, failure.Stack))].filter(Boolean);
}

function buttons(path, filter) {
  const kind = path.slice(path.lastIndexOf('/') + 1).split(':')[0];
  const list = [action('Restart', `${name(path)} is made to fail; its supervisor decides what becomes of it.`, () => ({ Action: 'restart', Path: path }))];
  if (kind === 'session') list.push(action('Disconnect', 'The MQTT connection is dropped, and made anew after a while.', () => ({ Action: 'disconnect', Path: path })));
  if (kind === 'subscription') list.push(h('button', { type: 'button', click: () => { shut(); go('tail', filter()); } }, 'Tail its messages'));
  if (kind === 'group' || kind === 'channel' || kind === 'stream') list.push(...slowing(path));
  return h('div', { class: 'row acts' }, list.filter(Boolean));
}

function slowing(path) {
  if (!live.about.MayAct || !live.about.Dev) return [];
  const millis = h('input', { type: 'number', min: '0', max: '10000', value: '500', size: '6' });
  return [field('ms a write', millis), action('Slow', 'Each write to it takes that much longer, until it is set to 0.', () => ({ Action: 'slow', Path: path, Millis: Number(millis.value) }), { dev: true })];
}

// ofSide is what is known of Redis or the MQTT broker.
function ofSide(side) {
  const redis = side === 'redis', list = pairs();
  const node = h('div', null, list, h('div', { class: 'row acts' }, [
    !redis && action('Disconnect', 'The MQTT connection is dropped, and made anew after a while.', () => ({ Action: 'disconnect', Path: at('broker/session') })),
    action('Stop', `The embedded ${redis ? 'Redis' : 'broker'} is stopped, as if it had died.`, () => ({ Action: redis ? 'stop-redis' : 'stop-broker' }), { dev: true }),
    action('Start', `The embedded ${redis ? 'Redis' : 'broker'} is started again.`, () => ({ Action: redis ? 'start-redis' : 'start-broker' }), { dev: true, danger: false }),
  ].filter(Boolean)));
  const show = () => {
    const s = sides(), up = redis ? s.layer : s.mqtt;
    list.show([
      ['Address', (redis ? live.about.Redis : live.about.Broker) || '–'], ['State', `${glyph(up ? '' : 'bad')} ${up ? 'there' : 'away'}`],
      ['Why', (redis ? s.layerWhy : s.mqttWhy) || '–'], ...(redis ? [['Command channel', live.about.Channel || '–']] : up ? rows(live.facts.get(at('broker/session'))) : []),
    ]);
  };
  return { title: redis ? 'Redis' : 'MQTT broker', node, show };
}

// ofKind are the actors of a family, page by page.
function ofKind(kind) {
  const search = h('input', { type: 'search', placeholder: 'part of the name', input: () => { pages.offset = 0; show(); } });
  const pages = pager(25, () => show());
  const list = table({
    label: kind + 's', key: (a) => a.Path, trouble: (a) => ofActor(a)[0], open: (a) => detail(a.Path), empty: `No ${kind} like that.`,
    columns: columns((a) => name(a.Path)).filter((c) => ['Actor', 'State', 'Waiting', 'Handled'].includes(c.title)).map((c) => ({ ...c, wide: false })),
  });
  const show = async () => {
    try {
      const { Total, Actors } = await get('actors', { kind, text: search.value, offset: pages.offset, limit: pages.limit });
      list.show(Actors || []);
      pages.show(Total);
    } catch { /* the alarm says that the worker is away */ }
  };
  return { title: kind === 'group' ? 'Groups' : kind + 's', node: h('div', null, field('Find', search, 'above'), list.node, pages.node), show };
}

