// What the parts of the worker are called on the page, and what each is there for.

const parts = {
  bridge: ['Worker', 'starts and stops the other parts'],
  reader: ['Reader', 'takes commands from Redis'],
  commands: ['Commands', 'makes sure that each is carried out'],
  router: ['Router', 'knows who gets which topics'],
  session: ['Session', 'keeps messages until they are acknowledged'],
  connection: ['Connection', 'talks to the MQTT broker'],
  store: ['Store', 'keeps subscriptions in Redis'],
  requests: ['Requests', 'waits for the responses to requests'],
};

// part is what a kind of actor is called; purpose is what it does.
export const part = (kind) => parts[kind]?.[0] || kind;
export const purpose = (kind) => parts[kind]?.[1] || '';

const kindNames = {
  subscription: ['subscription', 'subscriptions'], group: ['writer to a group', 'writers to groups'],
  channel: ['writer to a channel', 'writers to channels'], stream: ['writer to a stream', 'writers to streams'],
};

// kindName is what parts of a kind are called of which there may be thousands.
export const kindName = (kind, n) => kindNames[kind]?.[n === 1 ? 0 : 1] || kind;

// name is what the actor with a path is called: the filter or the target that it is for, or
// its part in the worker.
export function name(path) {
  const step = path.slice(path.lastIndexOf('/') + 1);
  if (step === path) return step.startsWith('bridge:') ? `Worker, session ${step.slice(7)}` : part(step); // a root
  const [, text] = /^[a-z]+:(.*?)(~\d+)?$/.exec(step) || [];
  if (text == null) return part(step);
  try { return decodeURIComponent(text.replace(/%[0-9A-F]?$/, '')); } catch { return text; } // long ones are cut
}

// target is a group, a channel or a stream.
export const target = (t) => `${['group', 'channel', 'stream'][t.Kind]} ${t.Name}`;
