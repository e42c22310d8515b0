// A chat without a site: the browser on one side, MQTT on the other.

const at = (id) => document.getElementById(id);
let source, room;

function show(message) {
  const line = document.createElement('li');
  line.textContent = typeof message.payload === 'string' ? message.payload : JSON.stringify(message.payload);
  at('said').append(line);
  if (at('said').children.length > 500) at('said').firstChild.remove();
  line.scrollIntoView({ block: 'nearest' });
}

function enter() {
  source?.close();
  room = at('room').value;
  at('topic').textContent = `chat/${room}`;
  at('try').textContent = `mosquitto_pub -t chat/${room} -m hello`;
  at('said').replaceChildren();
  source = new EventSource('events?room=' + encodeURIComponent(room));
  source.addEventListener('entered', () => { at('state').textContent = 'connected'; });
  source.addEventListener('message', (event) => show(JSON.parse(event.data).message));
  source.onerror = () => { at('state').textContent = 'no connection; trying again …'; };
}

async function say(event) {
  event.preventDefault();
  const answer = await fetch('say', {
    method: 'POST', headers: { 'X-Chanmqttproxy': '1' }, body: JSON.stringify({ Room: room, Text: at('text').value }),
  }).catch(() => null);
  if (answer?.ok) at('text').value = '';
  else at('state').textContent = 'not sent: ' + (answer ? await answer.text() : 'the worker does not answer');
}

at('enter').addEventListener('submit', (event) => { event.preventDefault(); enter(); });
at('say').addEventListener('submit', say);
enter();
