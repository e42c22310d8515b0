// Making and updating elements. Text is always set as text, never as HTML.

// h makes an element. Of its attributes, functions are listeners ("click"),
// true is the bare attribute, and false, null and undefined are left out.
export function h(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (typeof value === 'function') node.addEventListener(name, value);
    else if (value === true) node.setAttribute(name, '');
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return node;
}

const space = 'http://www.w3.org/2000/svg';

// svg makes an SVG element.
export function svg(tag, attributes, ...children) {
  const node = document.createElementNS(space, tag);
  for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// put sets an element's text where it is another one, so that nothing is drawn
// for what stays.
export function put(node, text) {
  text = String(text ?? '');
  if (node.textContent !== text) node.textContent = text;
}

// attr does the same for an attribute.
export function attr(node, name, value) {
  if (value == null || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

// putTopic does the same for a topic or a filter, which may break behind each "/". What is
// copied from it has no more than the text.
export function putTopic(node, text) {
  text = String(text ?? '');
  if (node.textContent !== text) node.replaceChildren(...text.split(/(?<=\/)/).flatMap((level, i) => (i ? [h('wbr'), level] : [level])));
}

// mark shows how bad it is: '', 'warn' or 'bad'.
export function mark(node, trouble) {
  node.classList.toggle('warn', trouble === 'warn');
  node.classList.toggle('bad', trouble === 'bad');
}

// glyph is how trouble looks without colours, and word how it sounds.
export const glyph = (trouble) => ({ bad: '✕', warn: '▲' })[trouble] || '✓';
export const word = (trouble) => ({ bad: 'failing', warn: 'in trouble' })[trouble] || 'well';

// field is a labelled control.
export function field(label, control, cls) {
  control.addEventListener('input', () => fault(control, ''));
  return h('label', { class: 'field ' + (cls || '') }, h('span', null, label), control);
}

// fault says beside a control of field what is wrong with what it holds; '': nothing.
export function fault(control, text) {
  let node = control.parentNode.querySelector('.fault');
  if (!node && !text) return;
  if (!node) control.after(node = h('span', { class: 'fault', id: control.id + '-fault', role: 'alert' }));
  put(node, text);
  node.hidden = !text;
  attr(control, 'aria-invalid', text ? 'true' : null);
  attr(control, 'aria-describedby', text ? node.id : null);
  if (text) control.focus();
}

// wrong says what is wrong with a topic or a filter beside it, and all else as what became of
// an action.
export function wrong(control, { message }) {
  const [, text] = /^(?:Topic|Filter): (.*)/s.exec(message) || [];
  if (text) fault(control, text);
  else say(message, 'bad');
}

// intro is the line of a panel on what it shows and what can be done there.
export const intro = (...text) => h('p', { class: 'muted intro' }, text);

let quiet;

// say tells what was done, or why not, for a few seconds, or until somebody does something
// else. An empty text ends it.
export function say(text, trouble) {
  const node = document.getElementById('said');
  put(node, text);
  mark(node, trouble);
  clearTimeout(quiet);
  quiet = setTimeout(() => put(node, ''), 6000);
}

// What was said of the action before goes when the next begins.
document.addEventListener('click', () => say(''), { capture: true });
