// The first steps: what a page shows of a worker that nobody has subscribed at.

import { h, put } from './dom.js';
import { live, sumOf } from './live.js';
import { standby } from './trouble.js';
import { go } from './nav.js';

// none says that there is no subscription, of nobody.
const none = () => live.tree && !standby() && !sumOf('subscription')?.Actors;

const code = () => h('pre', { tabindex: '0' });

// split is the first host and port of addresses as they are shown.
const split = (address) => /^(?:[a-z]+:\/\/)?(\[.*?\]|[^:,/]+)(?::(\d+))?/.exec(address || '')?.slice(1) || [];

function publishing() {
  const [host, port] = split(live.about.Broker);
  return `mosquitto_pub -h ${host || 'localhost'}${port ? ' -p ' + port : ''} -t hello -m world`;
}

const settings = () => `CHANNEL_LAYERS = {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer",
                  "CONFIG": {"hosts": ["redis://${split(live.about.Redis).filter(Boolean).join(':') || 'localhost:6379'}"]}}}`;

const consumer = () => `class HelloConsumer(MqttMixin, AsyncJsonWebsocketConsumer):
    @on_mqtt("hello")
    async def hello(self, message):
        await self.send_json(message.payload)`;

// first are the steps, and how to bring them up to date.
export function first() {
  const made = [settings, consumer, publishing].map((text) => [code(), text]);
  const [site, subscribe, publish] = made.map(([node]) => node);
  const node = h('section', { class: 'card first', id: 'first', hidden: true },
    h('h2', null, 'Three steps to a first message'),
    h('ol', null,
      h('li', null, h('p', null, 'In the settings of your site, use the same Redis as this worker:'), site),
      h('li', null, h('p', null, 'Subscribe in a consumer, and open its page:'), subscribe),
      h('li', null, h('p', null, 'Publish something, in a terminal or ', h('button', { type: 'button', class: 'link', click: () => { location.hash = '#/traffic'; } }, 'on this page'), ':'), publish)),
    h('p', { class: 'muted' }, 'Then ', h('button', { type: 'button', class: 'link', click: () => go('follow', { topic: 'hello' }) }, 'follow a message'), ' to see where it goes. These steps disappear with the first subscription.'));
  return [node, () => {
    node.hidden = !none();
    if (!node.hidden) made.forEach(([pre, text]) => put(pre, text()));
  }];
}
