// Shows each new value where its topic stands in the page, and switches lamps.
const connection = document.querySelector("#connection");
const problem = document.querySelector("#problem");

function connect() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}/ws/house/`);
  socket.onclose = () => {
    connection.textContent = "not connected";
    setTimeout(connect, 1000);
  };
  socket.onmessage = (event) => {
    const { values, topic, payload, connected } = JSON.parse(event.data);
    if (values) {
      Object.entries(values).forEach(show);
    } else if (topic) {
      show([topic, payload]);
      document.dispatchEvent(new CustomEvent("value", { detail: { topic, payload } }));
    } else {
      connection.textContent = connected ? "live" : "no connection to the MQTT broker";
    }
  };
}

function show([topic, payload]) {
  for (const place of document.querySelectorAll(`[data-topic="${CSS.escape(topic)}"]`)) {
    place.textContent = payload;
  }
}

async function press(event) {
  event.preventDefault();
  const button = event.submitter;
  const body = new FormData(event.target, button);
  button.disabled = true;
  try {
    const answer = await fetch(event.target.action, { method: "POST", body });
    problem.hidden = answer.ok;
    if (!answer.ok) {
      const { reason } = await answer.json().catch(() => ({ reason: answer.statusText }));
      problem.textContent = `${button.ariaLabel}: ${reason}`;
    }
  } catch {
    problem.hidden = false;
    problem.textContent = "The site can't be reached.";
  }
  button.disabled = false;
}

document.addEventListener("submit", press);
connect();
