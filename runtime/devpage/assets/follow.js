// Where did my message go? One message, step by step.

import { h, put, field, glyph, say } from './dom.js';
import { get, post } from './api.js';
import { clock, gap, name } from './format.js';
import { register, go } from './nav.js';
import { mayNot } from './act.js';

let wanted; // what the panel is to follow when it is shown

// Without an id it waits for the next message of the topic, else it shows the one that
// has it, which is under way.
register('follow', ({ topic, id }) => { wanted = { topic, id }; location.hash = '#/follow'; wake?.(); });

let wake;

const bad = /dropped|refused/;
const wait = /parked|held|waiting|unmatched/;

const troubleOf = (step) => (bad.test(step.What) ? 'bad' : wait.test(step.What) ? 'warn' : '');

function step(s, first) {
  const trouble = troubleOf(s), ms = new Date(s.At) - new Date(first.At);
  return h('li', { class: trouble },
    h('span', { class: 'glyph', 'aria-hidden': 'true' }, glyph(trouble)),
    h('span', { class: 'num when' }, s === first ? clock(s.At) : '+' + gap(ms)),
    h('b', null, s.What), ' ',
    s.Path && h('button', { type: 'button', class: 'link mono', click: () => go('detail', s.Path) }, name(s.Path)),
    h('span', { class: 'wrap said-text' }, s.Text));
}

function outcome(trace) {
  const steps = trace.Steps || [], worst = steps.find((s) => troubleOf(s) === 'bad' || s.What === 'unmatched');
  if (!steps.some((s) => s.What !== 'armed')) return ['', 'Waiting for a message of this topic …'];
  const written = steps.findLast((s) => s.What === 'written'), taken = steps.findLast((s) => s.What === 'acknowledged');
  if (worst?.What === 'unmatched' && taken) return ['warn', `The MQTT broker has it; ${worst.Text}.`];
  if (worst) return ['bad', `${written ? 'It did not arrive everywhere' : 'It did not arrive'}: ${worst.What}${worst.Text ? ', ' + worst.Text : ''}.`];
  if (!trace.Done) return steps.some((s) => troubleOf(s)) ? ['warn', 'It waits on its way …'] : ['', 'On its way …'];
  return ['good', `It arrived: ${(written || taken || steps.at(-1)).Text}.`];
}

// follow is the panel.
export function follow() {
  const input = h('input', { type: 'text', id: 'follow-topic', 'data-find': true, class: 'mono', autocomplete: 'off', spellcheck: 'false', placeholder: 'house/kitchen/temperature' });
  const payload = h('input', { type: 'text', id: 'follow-payload', class: 'mono', autocomplete: 'off', placeholder: '{"on": true}' });
  const answer = h('p', { class: 'verdict', role: 'status', id: 'outcome' }), path = h('ol', { class: 'path' });
  let id, timer, drawn;

  function draw(trace) {
    const [trouble, sentence] = outcome(trace);
    put(answer, sentence);
    answer.className = 'verdict ' + trouble;
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
    clearTimeout(timer);
    id = trace;
    drawn = -1;
    path.replaceChildren();
    poll(id);
  }

  async function start(how, body) {
    if (!body.Topic) return input.focus();
    try { begin((await post(how, body)).Trace); } catch (error) { say(error.message, 'bad'); }
  }

  const next = () => start('trace', { Topic: input.value.trim() });
  wake = () => {
    if (!wanted) return;
    const { id: trace, topic } = wanted;
    wanted = null;
    input.value = topic;
    if (trace) begin(trace); else next();
  };
  const form = h('form', { class: 'ways', submit: (event) => { event.preventDefault(); next(); } },
    field('Topic', input), h('button', { class: 'primary', id: 'follow-next' }, 'Follow the next message'),
    field('Payload', payload),
    h('button', { type: 'button', id: 'follow-publish', click: () => start('publish', { Topic: input.value.trim(), Payload: payload.value, QoS: 1, Retain: false }) }, 'Publish this one and follow it'));
  const may = mayNot(form);
  const about = h('p', { class: 'muted' }, 'Follows one message through filters, groups and queues to Redis, or to where it ended and why.');
  return { node: h('div', null, about, may.node, form, answer, path), title: 'Follow', on: ['about'], show: () => { may.show(); wake(); } };
}
