// How numbers, times and names are written.

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });

// count is a number of things.
export const count = (n) => (n >= 1e7 ? compact.format(n) : whole.format(n || 0));

// rate is a number of things a second.
export function rate(n) {
  if (!n) return '0';
  if (n < 10) return n.toFixed(1);
  return n >= 1e5 ? compact.format(n) : whole.format(n);
}

// duration is a number of nanoseconds.
export function duration(ns) {
  if (!ns) return '–';
  for (const [unit, size] of [['ns', 1], ['µs', 1e3], ['ms', 1e6]]) {
    if (ns < size * 1000) return three(ns / size) + ' ' + unit;
  }
  return span(ns / 1e6);
}

const three = (n) => (n < 10 ? n.toFixed(1) : Math.round(n));

// span is a number of milliseconds, coarser the longer.
export function span(ms) {
  const s = Math.max(0, ms) / 1000;
  if (s < 10) return s.toFixed(1) + ' s';
  if (s < 120) return Math.round(s) + ' s';
  if (s < 7200) return Math.round(s / 60) + ' min';
  if (s < 172800) return Math.round(s / 3600) + ' h';
  return Math.round(s / 86400) + ' d';
}

// gap is the time between two things that happened, in milliseconds.
export const gap = (ms) => (ms < 1000 ? (ms < 10 ? Math.max(0, ms).toFixed(1) : Math.round(ms)) + ' ms' : span(ms));

// exact is a time in milliseconds with what a Date has not: the microseconds.
export const exact = (time) => Math.floor(Date.parse(time) / 1000) * 1000 + 1000 * Number((/\.\d+/.exec(time) || ['0'])[0]);

// bytes is a size.
export function bytes(n) {
  if (n < 1024) return (n || 0) + ' B';
  if (n < 1 << 20) return three(n / 1024) + ' kB';
  return three(n / (1 << 20)) + ' MB';
}

// none tells Go's zero time, which means never.
const none = (time) => !time || String(time).startsWith('0001-');

// since is how long ago a time was.
export const since = (time, now = Date.now()) => (none(time) ? 'never' : span(now - new Date(time)));

// clock is the time of day, to the millisecond.
export function clock(time) {
  if (none(time)) return '–';
  const d = new Date(time);
  return d.toLocaleTimeString('en-GB') + '.' + String(d.getMilliseconds()).padStart(3, '0');
}
