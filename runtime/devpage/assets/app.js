// The page: panels, tabs, keys and the theme.

import { h, put, attr, mark, glyph } from './dom.js';
import { live, on, listen } from './live.js';
import { all } from './trouble.js';
import { shut } from './detail.js';
import { bridge } from './bridge.js';
import { subscriptions } from './subscriptions.js';
import { topic } from './topic.js';
import { follow } from './follow.js';
import { queues } from './queues.js';
import { letters } from './letters.js';
import { traffic } from './traffic.js';
import { timeline } from './timeline.js';
import { log } from './log.js';

const panels = Object.entries({ bridge, subscriptions, topic, follow, queues, letters, traffic, timeline, log })
  .map(([id, make]) => ({ id, ...make() }));
const main = document.getElementById('main'), tabs = document.getElementById('tabs');
let current;

function open(panel) {
  if (current === panel) return;
  current?.hide?.();
  current = panel;
  for (const p of panels) {
    p.section.hidden = p !== panel;
    attr(p.tab, 'aria-selected', p === panel ? 'true' : 'false');
    p.tab.tabIndex = p === panel ? 0 : -1;
  }
  panel.tab.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  title();
  panel.show();
}

// title says in the tab of the browser whether something is wrong.
function title() {
  const [trouble] = all()[0] || [''];
  const text = `${trouble ? glyph(trouble) + ' ' : ''}${current.title} – chanmqttproxy`;
  if (document.title !== text) document.title = text;
}

function build(p, i) {
  p.tab = h('button', { type: 'button', role: 'tab', id: 'tab-' + p.id, 'aria-controls': 'panel-' + p.id, title: `key ${i + 1}`, click: () => { location.hash = '/' + p.id; } }, p.title);
  p.section = h('section', { role: 'tabpanel', id: 'panel-' + p.id, 'aria-labelledby': 'tab-' + p.id, class: 'panel' }, p.node);
  tabs.append(p.tab);
  main.append(p.section);
  let turn = 0;
  for (const name of p.on) on(name, () => { if (current === p && !document.hidden && turn++ % (p.slow || 1) === 0) p.show(); });
}

const fromHash = () => open(panels.find((p) => '#/' + p.id === location.hash) || panels[0]);

function arrows(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const next = panels[(panels.indexOf(current) + step + panels.length) % panels.length];
  location.hash = '/' + next.id;
  next.tab.focus();
}

function keys(event) {
  if (event.key === 'Escape' && !document.querySelector('dialog[open]')) return shut();
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest?.('input, textarea, select, dialog')) return;
  const panel = panels[event.key - 1];
  if (panel) location.hash = '/' + panel.id;
  if (event.key === '/') { event.preventDefault(); current.section.querySelector('[data-find]')?.focus(); }
}

function theme() {
  const root = document.documentElement, button = document.getElementById('theme');
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const is = () => root.dataset.theme || (dark.matches ? 'dark' : 'light');
  const show = () => attr(button, 'aria-checked', String(is() === 'dark'));
  button.addEventListener('click', () => {
    root.dataset.theme = is() === 'dark' ? 'light' : 'dark';
    try { localStorage.setItem('theme', root.dataset.theme); } catch { /* not remembered then */ }
    show();
  });
  dark.addEventListener('change', show);
  show();
}

function header() {
  put(document.getElementById('version'), live.about.Version);
  const node = document.getElementById('live');
  put(node, live.connected ? (live.about.Dev ? '✓ live, dev' : live.about.MayAct ? '✓ live' : '✓ live, read-only') : '✕ the worker does not answer');
  mark(node, live.connected ? '' : 'bad');
  const chat = document.getElementById('chat');
  chat.hidden = !live.about.Chat;
  if (live.about.Chat) attr(chat, 'href', live.about.Chat);
}

// more shows at which ends of the tab bar there are tabs that can't be seen.
function more() {
  const bar = tabs.parentNode, left = tabs.scrollLeft, right = tabs.scrollWidth - tabs.clientWidth - left;
  bar.classList.toggle('more-left', left > 4);
  bar.classList.toggle('more-right', right > 4);
}

panels.forEach(build);
tabs.addEventListener('scroll', more, { passive: true });
new ResizeObserver(more).observe(tabs);
tabs.addEventListener('keydown', arrows);
addEventListener('hashchange', fromHash);
addEventListener('keydown', keys);
document.addEventListener('visibilitychange', () => (document.hidden ? current.hide?.() : current.show()));
on('connected', header);
on('about', header);
on('tree', title);
on('connected', title);
theme();
fromHash();
listen();
