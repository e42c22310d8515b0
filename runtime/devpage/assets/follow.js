// Where does a message go? One message, step by step.

import { h, put, field, fault, glyph, say, wrong, intro } from './dom.js';
import { get, post } from './api.js';
import { clock, exact, gap } from './format.js';
import { name } from './names.js';
import { register, go } from './nav.js';
import { mayNot } from './act.js';
import { flow, troubleOf } from './flow.js';

let wanted; // what the panel is to follow when it is shown

// Without an id it waits for the next message of the topic, else it shows the one that
// has it, which is under way.
register('follow', ({ topic, id }) => { wanted = { topic, id }; location.hash = '#/follow'; wake?.(); });

let wake;

function step(s, first) {
  const trouble = troubleOf(s);
  return h('li', { class: trouble },
    h('span', { class: 'glyph', 'aria-hidden': 'true' }, glyph(trouble)),
    h('span', { class: 'num when' }, s === first ? clock(s.At) : '+' + gap(exact(s.At) - exact(first.At))),
    h('b', null, s.What), ' ',
    s.Path && h('button', { type: 'button', class: 'link', click: () => go('detail', s.Path) }, name(s.Path)),
    h('span', { class: 'wrap said-text' }, s.Text));
}

function outcome(trace) {
  const steps = trace.Steps || [], worst = steps.find((s) => troubleOf(s) === 'bad');
  if (!steps.some((s) => s.What !== 'armed')) return ['', 'Waiting for a message of this topic …'];
  const written = steps.findLast((s) => s.What === 'written'), taken = steps.findLast((s) => s.What === 'acknowledged');
  if (worst?.What === 'unmatched' && taken) return ['warn', `The MQTT broker has it; ${worst.Text}.`];
  if (worst) return ['bad', `${written ? 'It did not arrive everywhere' : 'It did not arrive'}: ${worst.What}${worst.Text ? ', ' + worst.Text : ''}.`];
  const last = steps.at(-1);
  if (!trace.Done) return troubleOf(last) ? ['warn', `It waits: ${last.Text}.`] : ['', 'On its way …'];
  return ['good', `It arrived: ${(written || taken || last).Text}.`];
}

function fields() {
  const input = h('input', { type: 'text', id: 'follow-topic', 'data-find': true, class: 'mono', autocomplete: 'off', spellcheck: 'false', placeholder: 'house/kitchen/temperature' });
  const payload = h('input', { type: 'text', id: 'follow-payload', class: 'mono', autocomplete: 'off', placeholder: '{"on": true}' });
  return [input, payload];
}

// follow is the panel.
export function follow() {
  const [input, payload] = fields(), answer = h('p', { class: 'result', role: 'status', id: 'outcome' });
  const picture = flow(), path = h('ol', { class: 'path' });
  const cancel = h('button', { type: 'button', id: 'follow-cancel', hidden: true, click: () => leave() }, 'Stop following');
  let id, timer, drawn;

  function draw(trace) {
    const [trouble, sentence] = outcome(trace);
    put(answer, sentence);
    answer.className = 'result ' + trouble;
    cancel.hidden = trace.Done;
    picture.show(trace);
    const steps = trace.Steps || [];
    if (drawn !== steps.length) path.replaceChildren(...steps.map((s) => step(s, steps[0])));
    drawn = steps.length;
  }

  async function poll(mine) {
    if (mine !== id) return;
    try {
      const trace = await get('trace', { id });
      if (mine !== id) return;
      draw(trace);
      if (trace.Done) return;
    } catch (error) { return say(error.message, 'bad'); }
    timer = setTimeout(poll, 300, mine);
  }

  function begin(trace) {
    clear();
    id = trace;
    poll(id);
  }

  function clear() {
    clearTimeout(timer);
    id = drawn = undefined;
    path.replaceChildren();
    picture.clear();
    put(answer, '');
    answer.className = 'result';
    cancel.hidden = true;
  }

  async function leave() {
    const left = id;
    clear();
    input.focus();
    try { await post('trace/cancel', { Trace: left }); } catch (error) { say(error.message, 'bad'); }
  }

  async function start(how, body) {
    if (!body.Topic) return fault(input, 'Which topic?');
    try { begin((await post(how, body)).Trace); } catch (error) { wrong(input, error); }
  }

  const next = () => start('trace', { Topic: input.value.trim() });
  wake = () => {
    if (!wanted) return;
    const { id: trace, topic } = wanted;
    wanted = null;
    input.value = topic;
    fault(input, '');
    if (trace) begin(trace); else next();
  };
  const form = h('form', { class: 'ways', submit: (event) => { event.preventDefault(); next(); } },
    field('Topic', input), h('button', { class: 'primary', id: 'follow-next' }, 'Follow the next message'),
    field('Payload', payload),
    h('button', { type: 'button', id: 'follow-publish', click: () => start('publish', { Topic: input.value.trim(), Payload: payload.value, QoS: 1, Retain: false }) }, 'Publish one, and follow it'));
  const may = mayNot(form);
  const about = intro('Where one message goes, where it ends, and why. Wait for the next message of a topic, or publish one.');
  return { node: h('div', null, about, may.node, form, h('div', { class: 'answer' }, answer, cancel), picture, path), title: 'Follow', on: ['about'], show: () => { may.show(); wake(); } };
}
