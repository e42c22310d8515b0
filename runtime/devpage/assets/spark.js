// Sparklines: one line of the last minute.

import { svg, attr } from './dom.js';

const length = 60;

// spark makes a sparkline; its method show draws numbers, the newest last.
export function spark(cls) {
  const line = svg('polyline', { fill: 'none', 'vector-effect': 'non-scaling-stroke' });
  const area = svg('polygon', { class: 'area' });
  const node = svg('svg', { class: 'spark ' + (cls || ''), viewBox: '0 0 59 16', preserveAspectRatio: 'none', 'aria-hidden': 'true' }, area, line);
  node.show = (numbers) => {
    const points = path(numbers);
    attr(line, 'points', points);
    attr(area, 'points', points && `${length - numbers.length},16 ${points} 59,16`);
  };
  return node;
}

function path(numbers) {
  const top = Math.max(1, ...numbers);
  return numbers.map((n, i) => `${length - numbers.length + i},${(15 - 13 * n / top).toFixed(1)}`).join(' ');
}

// Series remembers the last minute of a counter's rate.
export class Series {
  constructor() { this.rates = []; this.now = 0; }

  // add takes the counter as it is at a time, in milliseconds.
  add(value, at) {
    const seconds = (at - this.at) / 1000;
    if (seconds > 0) {
      this.now = value < this.value ? 0 : (value - this.value) / seconds;
      this.rates.push(this.now);
      if (this.rates.length > length) this.rates.shift();
    }
    this.value = value;
    this.at = at;
  }
}
