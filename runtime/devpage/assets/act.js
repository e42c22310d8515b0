// Doing something to the worker. What may lose something asks first.

import { h, say } from './dom.js';
import { post } from './api.js';
import { live } from './live.js';

// confirm asks whether to go on.
function confirm(title, text, go) {
  const dialog = document.getElementById('ask');
  dialog.replaceChildren(h('form', { method: 'dialog' },
    h('h2', { id: 'ask-title' }, title), h('p', null, text),
    h('div', { class: 'row end' },
      h('button', { value: '' }, 'Cancel'),
      h('button', { value: 'go', class: 'danger', id: 'ask-go' }, go))));
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise((done) => dialog.addEventListener('close', () => done(dialog.returnValue === 'go'), { once: true }));
}

// mayNot says that a form is for pages that may act only, and disables its
// controls where this one may not.
export function mayNot(form) {
  const node = h('p', { class: 'muted' }, 'This page is read-only: the worker was started without HTTP_ACT=true.');
  const show = () => {
    node.hidden = live.about.MayAct !== false;
    for (const control of form.elements) control.disabled = !node.hidden;
  };
  return { node, show };
}

// action is a button that does one thing, or nothing where this page may not. loses says
// what may be lost by it: then it asks first. body makes what is posted.
export function action(title, body, { loses = '', dev = false } = {}) {
  if (!live.about.MayAct || (dev && !live.about.Dev)) return null;
  return h('button', { type: 'button', class: loses ? 'danger' : '', 'data-act': body().Action, click: () => act(title, loses, body()) }, title);
}

async function act(title, loses, body) {
  if (loses && !await confirm(title + '?', loses, title)) return;
  try {
    await post('act', body);
    say(`${title}: done. The timeline shows what happens.`);
  } catch (error) {
    say(`${title}: ${error.message}`, 'bad');
  }
}
