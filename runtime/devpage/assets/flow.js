// The way of one message as a picture: from the MQTT broker to Redis, and to the broker first
// where it was published here.

import { h, svg, put, glyph } from './dom.js';
import { exact, gap } from './format.js';
import { name, part } from './names.js';
import { go } from './nav.js';

const most = 6; // boxes in a column: a message can go to thousands of groups
const bad = /^(dropped|refused|unmatched)$/, wait = /^(overflow|held|waiting)$/;

// troubleOf is how bad a step is: '', 'warn' or 'bad'.
export const troubleOf = (step) => (bad.test(step.What) ? 'bad' : wait.test(step.What) ? 'warn' : '');

const kindOf = (path) => (path || '').slice((path || '').lastIndexOf('/') + 1).split(':')[0];
const targets = ['group', 'channel', 'stream'];

// box is one of the picture: its last step says how it stands.
const box = (title, steps, more = {}) => ({ title, steps, last: steps.at(-1), trouble: steps.length ? troubleOf(steps.at(-1)) : '', path: steps.at(-1)?.Path, ...more });

// filtersOf are the filters that have matched, as the step says, and how many more.
function filtersOf(matched) {
  const [, list, more] = /^by (.*?)(?: and (\d+) more)?; it goes to /.exec(matched?.Text || '') || [];
  return list ? [...list.split(', ').map((title) => ({ title, filter: true, steps: [matched], trouble: '' })), ...(more ? [{ title: `${more} more`, steps: [matched], trouble: '' }] : [])] : [];
}

// folded are the first boxes of a column, those in trouble before the others, and one for the
// rest.
function folded(boxes) {
  if (boxes.length <= most) return boxes;
  const list = boxes.toSorted((a, b) => (a.trouble === '') - (b.trouble === '')), rest = list.splice(most - 1);
  const worst = ['bad', 'warn'].find((t) => rest.some((b) => b.trouble === t)) || '';
  return [...list, { title: `${rest.length} more`, steps: [], trouble: worst, note: worst ? 'some are in trouble' : rest.every((b) => b.last?.What === 'written') ? 'written' : 'under way' }];
}

// columnsOf are the columns of the picture, each of boxes, in the order in which the message
// passes them.
export function columnsOf(trace) {
  const steps = (trace.Steps || []).filter((s) => s.What !== 'armed');
  const out = steps.filter((s) => ['publishing', 'waiting', 'acknowledged', 'refused'].includes(s.What) && ['session', 'connection'].includes(kindOf(s.Path)));
  const came = steps.filter((s) => ['connection', 'router'].includes(kindOf(s.Path)) && !out.includes(s));
  const received = came.filter((s) => kindOf(s.Path) === 'connection'), routed = came.filter((s) => kindOf(s.Path) === 'router');
  const columns = [];
  if (out.length) columns.push([box(part('session'), out)]);
  columns.push([{ title: 'MQTT broker', steps: [], trouble: '', place: true, note: out.length && !received.length ? '' : 'sends it' }]);
  if (received.length) columns.push([box(part('connection'), received)]);
  if (routed.length) columns.push([box(part('router'), routed)]);
  const filters = filtersOf(routed.find((s) => s.What === 'matched')), held = byPath(steps, ['subscription']);
  if (filters.length) columns.push(folded(filters.map((f) => ({ ...f, ...boxFor(held, f.title) }))));
  const ends = folded(byPath(steps, targets));
  if (ends.length) columns.push(ends);
  if (ends.some((e) => e.steps.some((s) => s.What === 'written') || e.note === 'written')) columns.push([{ title: 'Redis', steps: [], trouble: '', place: true, note: 'keeps it for the site' }]);
  return columns;
}

const boxFor = (held, filter) => held.find((b) => b.title === filter) || {};

// byPath are boxes of the steps at actors of some kinds, one an actor.
function byPath(steps, kinds) {
  const paths = [...new Set(steps.map((s) => s.Path).filter((p) => kinds.includes(kindOf(p))))];
  return paths.map((path) => box(name(path), steps.filter((s) => s.Path === path), { kind: kindOf(path) }));
}

const still = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

// flow is the picture; show(trace) draws it.
export function flow() {
  const wires = svg('svg', { class: 'wires', 'aria-hidden': 'true' }), row = h('div', { class: 'columns' });
  const node = h('div', { class: 'flow', role: 'group', 'aria-label': 'The way of the message', hidden: true }, wires, row);
  let columns = [], drawn = '';
  new ResizeObserver(() => wire(wires, columns, row, false)).observe(row);
  node.show = (trace) => {
    const boxed = columnsOf(trace), stamp = JSON.stringify(boxed);
    node.hidden = !(trace.Steps || []).some((s) => s.What !== 'armed');
    if (stamp === drawn || node.hidden) return;
    drawn = stamp;
    const first = exact(trace.Steps[0].At);
    columns = boxed.map((boxes) => boxes.map((b) => [draw(b, first), b]));
    row.replaceChildren(...columns.map((boxes) => h('div', { class: 'column' }, boxes.map(([n]) => n))));
    wire(wires, columns, row, trace.Done && !still());
  };
  node.clear = () => { drawn = ''; node.hidden = true; };
  return node;
}

function draw(b, first) {
  const when = b.last ? '+' + gap(exact(b.last.At) - first) : '';
  const title = h('span', { class: 'title' }, h('span', { class: 'glyph', 'aria-hidden': 'true' }, b.place ? '' : glyph(b.trouble)), b.kind ? `${b.kind} ` : '', topicOf(b.title));
  const content = [title, h('span', { class: 'note' }, b.filter ? 'matches' : b.note ?? b.last?.What ?? ''), h('span', { class: 'note num' }, b.filter ? '' : when)];
  const cls = `box ${b.place ? 'pillar' : ''} ${b.trouble}`;
  return b.path && !b.filter ? h('button', { type: 'button', class: cls, click: () => go('detail', b.path) }, content) : h('div', { class: cls }, content);
}

const topicOf = (text) => text.split(/(?<=\/)/).flatMap((level, i) => (i ? [h('wbr'), level] : [level]));

// wire draws a line from each box to those of the next column, and has the message run along
// them where it is to be played.
function wire(wires, columns, row, play) {
  const origin = row.getBoundingClientRect();
  wires.setAttribute('viewBox', `0 0 ${origin.width} ${origin.height}`);
  const down = columns.length > 1 && columns[1][0][0].getBoundingClientRect().top >= columns[0][0][0].getBoundingClientRect().bottom;
  const lines = [];
  for (let i = 1; i < columns.length; i++) {
    lines.push(...between(columns[i - 1], columns[i]).map(([from, to, trouble]) => [curve(from, to, origin, down), trouble, i - 1]));
  }
  wires.replaceChildren(...lines.map(([d, trouble]) => svg('path', { d, class: 'wire ' + trouble })));
  if (play) run(wires, lines, columns);
}

const place = ([node]) => node.getBoundingClientRect();

// between are the lines from one column to the next, as [from, to, how bad]. Where both have
// several boxes nobody knows which leads to which: all lines meet half-way.
function between(before, after) {
  const worst = (a, b) => b.trouble || a.trouble;
  if (before.length > 1 && after.length > 1) {
    const [a, b] = [place(before[0]), place(after[0])], [top, bottom] = [place(before[0]).top, place(before.at(-1)).bottom];
    const knot = a.right < b.left ? new DOMRect((a.right + b.left) / 2, (top + bottom) / 2, 0, 0) : new DOMRect((a.left + place(before.at(-1)).right) / 2, (bottom + b.top) / 2, 0, 0);
    return [...before.map((one) => [place(one), knot, one[1].trouble]), ...after.map((one) => [knot, place(one), one[1].trouble])];
  }
  const reaches = (a, b) => !(b.place && b.title === 'Redis') || a.note === 'written' || a.steps.some((s) => s.What === 'written');
  return after.flatMap((to) => before.filter((from) => reaches(from[1], to[1])).map((from) => [place(from), place(to), worst(from[1], to[1])]));
}

function curve(a, b, origin, down) {
  if (down) {
    const [x1, y1, x2, y2] = [a.left + a.width / 2 - origin.left, a.bottom - origin.top, b.left + b.width / 2 - origin.left, b.top - origin.top];
    return `M${x1},${y1} C${x1},${(y1 + y2) / 2} ${x2},${(y1 + y2) / 2} ${x2},${y2}`;
  }
  const [x1, y1, x2, y2] = [a.right - origin.left, a.top + a.height / 2 - origin.top, b.left - origin.left, b.top + b.height / 2 - origin.top];
  return `M${x1},${y1} C${(x1 + x2) / 2},${y1} ${(x1 + x2) / 2},${y2} ${x2},${y2}`;
}

const hop = 380; // ms for which the message is seen on one stretch: it takes far less

function run(wires, lines, columns) {
  for (const [d, trouble, i] of lines) {
    const dot = svg('path', { d, class: 'dot ' + trouble, pathLength: '100', 'stroke-dasharray': '0 200' });
    wires.append(dot);
    dot.animate({ strokeDashoffset: ['0', '-100'], opacity: [1, 1] }, { delay: i * hop, duration: hop, easing: 'ease-in-out', fill: 'none' }).onfinish = () => dot.remove();
  }
  columns.forEach((boxes, i) => boxes.forEach(([box]) => box.animate({ opacity: [0.25, 1] }, { delay: i * hop, duration: 160, fill: 'backwards' })));
}
