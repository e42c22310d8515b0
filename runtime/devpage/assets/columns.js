// The columns of a table of the worker's parts.

import { glyph } from './dom.js';
import { series, now } from './live.js';
import { ofActor, ofKind } from './trouble.js';
import { count, rate, duration, since, span } from './format.js';

// columns are those of an actor; text is its name.
export const columns = (text) => [
  { title: 'Part', head: true, grow: true, text },
  { title: 'State', text: stateOf },
  { title: 'For', num: true, wide: true, text: (a) => (a.many ? '' : since(a.Since, now())) },
  { title: 'Waiting', num: true, text: (a) => count(a.Waiting) },
  { title: 'Oldest has waited', num: true, wide: true, text: (a) => (a.Age ? span(a.Age / 1e6) : '–') },
  { title: 'Handled', num: true, wide: true, text: (a) => count(a.Handled) },
  { title: 'Handled a second', num: true, text: (a) => rate(series(keyOf(a)).now) },
  { title: 'Last one took', num: true, wide: true, text: (a) => duration(a.Last) },
  { title: 'Restarts', num: true, text: (a) => count(a.Restarts) },
  { title: 'Last failure', wide: true, grow: true, text: (a) => (a.Failure ? `${since(a.Failure.At, now())} ago: ${a.Failure.Text}` : '') },
];

// keyOf names an actor or a kind.
export const keyOf = (a) => (a.many ? 'kind:' + a.Kind : a.Path);

function stateOf(a) {
  const trouble = troubleOf(a);
  if (a.many) return `${glyph(trouble)} ${a.Troubled ? count(a.Troubled) + ' in trouble' : 'well'}${a.Rows ? `, ${count(a.Rows)} table rows` : ''}`;
  return `${glyph(trouble)} ${a.State}`;
}

// troubleOf is how bad it is: '', 'warn' or 'bad'.
export const troubleOf = (a) => (a.many ? ofKind(a.Kind)[0] : ofActor(a)[0]);
