// Publishing, and the messages that pass in both directions.

import { h, field, wrong, put, putTopic, intro } from './dom.js';
import { get, post, stream } from './api.js';
import { clock, bytes, count } from './format.js';
import { register, go } from './nav.js';
import { live } from './live.js';
import { mayNot } from './act.js';

const kept = 200;

let listenTo;

// It shows the messages that match a filter.
register('tail', (filter) => { listenTo(filter); location.hash = '/traffic'; });

function publisher() {
  const topic = h('input', { type: 'text', id: 'publish-topic', 'data-find': true, class: 'mono', autocomplete: 'off', spellcheck: 'false', placeholder: 'house/lamp/set' });
  const payload = h('textarea', { id: 'publish-payload', class: 'mono', rows: '3', spellcheck: 'false', placeholder: '{"on": true}' });
  const qos = h('select', { id: 'publish-qos' }, ['0', '1', '2'].map((n) => h('option', { selected: n === '1' }, n)));
  const retain = h('input', { type: 'checkbox', id: 'publish-retain' });
  const done = h('p', { class: 'muted', role: 'status', id: 'published' });
  const state = h('span'), topicOf = h('span', { class: 'mono topic' });
  let last; // the trace of the newest
  const showProgress = async (id) => { // how far it has come, until it is there or refused
    while (id === last) {
      const { Steps } = await get('trace', { id }), step = (what) => Steps?.findLast((s) => s.What === what);
      const end = step('acknowledged') || step('refused');
      put(state, step('acknowledged') ? 'Published to ' : step('refused') ? `Refused (${step('refused').Text}): ` : step('waiting') ? `It waits (${step('waiting').Text}): ` : 'Sent, not acknowledged yet: ');
      if (end) return;
      await new Promise((ready) => setTimeout(ready, 400));
    }
  };
  const submit = async (event) => {
    event.preventDefault();
    const body = { Topic: topic.value.trim(), Payload: payload.value, QoS: Number(qos.value), Retain: retain.checked };
    try {
      const { Trace } = await post('publish', body);
      last = Trace;
      putTopic(topicOf, body.Topic);
      done.replaceChildren(state, topicOf, '. ', h('button', { type: 'button', class: 'link', click: () => go('follow', { id: Trace, topic: body.Topic }) }, 'See where it goes'));
      await showProgress(Trace);
    } catch (error) {
      last = null;
      done.replaceChildren();
      wrong(topic, error);
    }
  };
  const form = h('form', { class: 'card', submit }, h('h2', null, 'Publish'), field('Topic', topic), field('Payload', payload),
    h('div', { class: 'row' }, field('QoS', qos), h('label', { class: 'check' }, retain, ' retain'), h('button', { class: 'primary', id: 'publish' }, 'Publish')), done);
  const may = mayNot(form);
  form.querySelector('h2').after(may.node);
  return { node: form, show: may.show };
}

function topicText(text) {
  const node = h('span', { class: 'topic' });
  putTopic(node, text);
  return node;
}

function line(m) {
  const out = m.Direction === 'out';
  return h('li', { class: out ? 'out' : 'in' },
    h('span', { class: 'num muted' }, clock(m.At)),
    h('span', { class: 'way' }, out ? '→ out' : '← in'),
    h('button', { type: 'button', class: 'link mono wrap', title: 'Follow the next message of this topic', click: () => go('follow', { topic: m.Topic }) }, topicText(m.Topic)),
    h('span', { class: 'num muted' }, `QoS ${m.QoS}${m.Retain ? ', retained' : ''} · ${bytes(m.Bytes)}`),
    m.Payload != null && h('code', { class: 'payload' }, m.Payload));
}

function tail() {
  const filter = h('input', { type: 'text', id: 'tail-filter', class: 'mono', value: '#', autocomplete: 'off', spellcheck: 'false' });
  const list = h('ol', { class: 'lines', id: 'tail', tabindex: '0', 'aria-label': 'Messages, newest first' });
  const state = h('span', { class: 'muted', role: 'status' });
  let stop;
  const came = ({ Messages, Left }) => { // a few times a second, however many pass
    const left = Left ? [h('li', null, h('span', { class: 'muted rest' }, `and ${count(Left)} more, not shown`))] : [];
    list.prepend(...Messages.reverse().map(line), ...left);
    while (list.children.length > kept) list.lastChild.remove();
  };
  listenTo = (text) => { filter.value = text; list.replaceChildren(); put(pause, 'Pause'); begin(); };
  let turn = 0;
  const end = () => { turn++; stop?.(); stop = null; };
  const begin = async () => {
    end();
    const text = filter.value.trim() || '#', mine = turn;
    try {
      await get('filter', { filter: text });
    } catch (error) {
      put(state, 'not listening');
      return wrong(filter, error);
    }
    if (mine !== turn) return; // it was ended, or begun again
    stop = stream('tail?filter=' + encodeURIComponent(text), { messages: came }, (up) => put(state, up ? 'listening' : 'not listening'));
  };
  const pause = h('button', { type: 'button', id: 'tail-pause', click: () => {
    if (stop) { end(); put(state, 'paused'); put(pause, 'Go on'); } else { begin(); put(pause, 'Pause'); }
  } }, 'Pause');
  const form = h('form', { class: 'row', submit: (event) => { event.preventDefault(); list.replaceChildren(); begin(); put(pause, 'Pause'); } },
    field('Filter', filter, 'grow'), h('button', { id: 'tail-listen' }, 'Listen'), pause, h('button', { type: 'button', click: () => list.replaceChildren() }, 'Clear'), state);
  const hint = h('p', { class: 'muted' }), show = () => put(hint, live.about.ShowPayloads ? '' : 'Payloads are hidden: the worker was started without HTTP_SHOW_PAYLOADS=true.');
  return { node: h('section', { class: 'card' }, h('h2', null, 'Messages that pass'), form, hint, list), show: () => { show(); if (!stop && pause.textContent === 'Pause') begin(); }, hide: end };
}

// traffic is the panel.
export function traffic() {
  const form = publisher(), listener = tail();
  return { node: h('div', null, intro('Publish a message, and see the messages that pass between the worker and the MQTT broker. A filter shows only some of them: house/# shows everything below house.'), h('div', { class: 'halves' }, form.node, listener.node)), title: 'Publish & listen', on: ['about'], show: () => { form.show(); listener.show(); }, hide: listener.hide };
}
