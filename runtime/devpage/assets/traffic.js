// Publishing, and the messages that pass in both directions.

import { h, field, say, put } from './dom.js';
import { post, stream } from './api.js';
import { clock, bytes } from './format.js';
import { register, go } from './nav.js';
import { live } from './live.js';
import { mayNot } from './act.js';

const kept = 200;

let listenTo;

// It shows the messages that match a filter.
register('tail', (filter) => { listenTo(filter); location.hash = '/traffic'; });

function publisher() {
  const topic = h('input', { type: 'text', id: 'publish-topic', 'data-find': true, class: 'mono', required: true, autocomplete: 'off', spellcheck: 'false', placeholder: 'house/lamp/set' });
  const payload = h('textarea', { id: 'publish-payload', class: 'mono', rows: '3', spellcheck: 'false', placeholder: '{"on": true}' });
  const qos = h('select', { id: 'publish-qos' }, ['0', '1', '2'].map((n) => h('option', { selected: n === '1' }, n)));
  const retain = h('input', { type: 'checkbox', id: 'publish-retain' });
  const done = h('p', { class: 'muted', role: 'status' });
  const submit = async (event) => {
    event.preventDefault();
    const body = { Topic: topic.value.trim(), Payload: payload.value, QoS: Number(qos.value), Retain: retain.checked };
    try {
      const { Trace } = await post('publish', body);
      done.replaceChildren(`Published to ${body.Topic}. `, h('button', { type: 'button', class: 'link', click: () => go('follow', { id: Trace, topic: body.Topic }) }, 'See where it went'));
    } catch (error) { done.replaceChildren(); say(error.message, 'bad'); }
  };
  const form = h('form', { class: 'card', submit }, h('h2', null, 'Publish'), field('Topic', topic), field('Payload', payload),
    h('div', { class: 'row' }, field('QoS', qos), h('label', { class: 'check' }, retain, ' retain'), h('button', { class: 'primary', id: 'publish' }, 'Publish')), done);
  const may = mayNot(form);
  form.querySelector('h2').after(may.node);
  return { node: form, show: may.show };
}

function line(m) {
  const out = m.Direction === 'out';
  return h('li', { class: out ? 'out' : 'in' },
    h('span', { class: 'num muted' }, clock(m.At)),
    h('span', { class: 'way' }, out ? '→ out' : '← in'),
    h('button', { type: 'button', class: 'link mono wrap', title: 'Follow the next message of this topic', click: () => go('follow', { topic: m.Topic }) }, m.Topic),
    h('span', { class: 'num muted' }, `QoS ${m.QoS}${m.Retain ? ', retained' : ''} · ${bytes(m.Bytes)}`),
    m.Payload != null && h('code', { class: 'payload' }, m.Payload));
}

function tail() {
  const filter = h('input', { type: 'text', id: 'tail-filter', class: 'mono', value: '#', autocomplete: 'off', spellcheck: 'false' });
  const list = h('ol', { class: 'lines', id: 'tail', tabindex: '0', 'aria-label': 'Messages, newest first' });
  const state = h('span', { class: 'muted', role: 'status' });
  let stop, waiting = [], timer;
  const flush = () => { // at most a few times a second, however many come
    list.prepend(...waiting.reverse().slice(0, kept).map(line));
    while (list.children.length > kept) list.lastChild.remove();
    waiting = [];
    timer = null;
  };
  const came = (m) => {
    waiting.push(m);
    if (waiting.length > kept) waiting.shift();
    timer ||= setTimeout(flush, 250);
  };
  listenTo = (text) => { filter.value = text; list.replaceChildren(); put(pause, 'Pause'); begin(); };
  const end = () => { stop?.(); stop = null; };
  const begin = () => {
    end();
    stop = stream('tail?filter=' + encodeURIComponent(filter.value.trim() || '#'), { message: came, tail: came }, (up) => put(state, up ? 'listening' : 'not listening'));
  };
  const pause = h('button', { type: 'button', id: 'tail-pause', click: () => {
    if (stop) { end(); put(state, 'paused'); } else begin();
    put(pause, stop ? 'Pause' : 'Go on');
  } }, 'Pause');
  const form = h('form', { class: 'row', submit: (event) => { event.preventDefault(); list.replaceChildren(); begin(); put(pause, 'Pause'); } },
    field('Filter', filter, 'grow'), h('button', null, 'Listen'), pause, h('button', { type: 'button', click: () => list.replaceChildren() }, 'Clear'), state);
  const hint = h('p', { class: 'muted' }), show = () => put(hint, live.about.ShowPayloads ? '' : 'Payloads are not shown: the worker was started without --show-payloads.');
  return { node: h('section', { class: 'card' }, h('h2', null, 'Tail'), form, hint, list), show: () => { show(); if (!stop && pause.textContent === 'Pause') begin(); }, hide: end };
}

// traffic is the panel.
export function traffic() {
  const form = publisher(), listener = tail();
  return { node: h('div', { class: 'halves' }, form.node, listener.node), title: 'Publish & tail', on: ['about'], show: () => { form.show(); listener.show(); }, hide: listener.hide };
}
