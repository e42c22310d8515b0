// Draws the readings of a sensor as SVG, and adds each new one.
const plot = document.querySelector("#plot");
const { topic: ours } = document.querySelector(".now [data-topic]").dataset;
const readings = JSON.parse(document.querySelector("#readings").textContent); // [seconds, value]
const [left, right, top, bottom] = [48, 588, 12, 212]; // of the area, in the viewBox

function element(name, attributes, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

function draw() {
  document.querySelector("#count").textContent = readings.length;
  if (readings.length === 0) return;
  const times = readings.map(([time]) => time);
  const values = readings.map(([, value]) => value);
  const [from, to, low, high] = [times[0], times.at(-1), Math.min(...values), Math.max(...values)];
  const x = (time) => left + ((right - left) * (time - from)) / (to - from || 1);
  const y = (value) => bottom - ((bottom - top) * (value - low)) / (high - low || 1);
  const clock = (time) => new Date(time * 1000).toLocaleTimeString([], { timeStyle: "short" });
  plot.replaceChildren(
    element("polyline", { points: readings.map(([t, v]) => `${x(t)},${y(v)}`).join(" ") }),
    ...readings.slice(-1).map(([t, v]) => element("circle", { cx: x(t), cy: y(v), r: 4 })),
    element("text", { x: left - 8, y: y(low), "text-anchor": "end" }, low.toFixed(1)),
    element("text", { x: left - 8, y: top + 8, "text-anchor": "end" }, high.toFixed(1)),
    element("text", { x: left, y: bottom + 20 }, clock(from)),
    element("text", { x: right, y: bottom + 20, "text-anchor": "end" }, clock(to)),
  );
}

document.addEventListener("value", ({ detail: { topic, payload } }) => {
  const value = Number(payload);
  if (topic !== ours || Number.isNaN(value)) return; // a sensor may send something else
  readings.push([Date.now() / 1000, value]);
  draw();
});
draw();
