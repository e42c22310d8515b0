// Talking to the worker.

// get asks for JSON. What is wrong comes as an Error with the worker's words.
export const get = (path, query) => ask('api/' + path + (query ? '?' + new URLSearchParams(query) : ''));

// post tells the worker to do something.
export const post = (path, body) => ask('api/' + path, {
  method: 'POST',
  headers: { 'Content-Type': 'application/json', 'X-Chanmqttproxy': '1' },
  body: JSON.stringify(body),
});

async function ask(url, options) {
  let response;
  try {
    response = await fetch(url, { cache: 'no-store', signal: AbortSignal.timeout(15_000), ...options });
  } catch {
    throw new Error('the worker does not answer');
  }
  const text = await response.text();
  let body;
  try { body = text ? JSON.parse(text) : null; } catch { body = null; }
  if (response.status === 401) throw new Error('a token is needed: open this page with ?token=… once');
  if (!response.ok) throw new Error((body && body.Error) || `the worker answered ${response.status}`);
  return body;
}

// stream listens to events of the worker, { name: handler }, and comes back when
// it was lost. It returns how to end it.
export function stream(path, handlers, state = () => {}) {
  let source, again;
  const open = () => {
    source = new EventSource('api/' + path);
    source.onopen = () => state(true);
    source.onerror = () => {
      state(false);
      if (source.readyState === EventSource.CLOSED) again = setTimeout(open, 2000);
    };
    for (const [name, handler] of Object.entries(handlers)) {
      source.addEventListener(name, (event) => handler(JSON.parse(event.data)));
    }
  };
  open();
  return () => { clearTimeout(again); source.close(); };
}
