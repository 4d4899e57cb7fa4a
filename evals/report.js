"use strict";
// The map of a report: shows the point under the pointer or the keys, and filters by choice.
// Whatever the page holds is put out as text; nothing is fetched, nothing is stored.
{
  const plane = document.querySelector(".plane");
  const drawing = plane.querySelector("svg");
  const ring = drawing.querySelector(".ring");
  const panel = document.querySelector(".told");
  const hint = panel.firstElementChild;
  const shown = document.querySelector(".shown");
  const byLabel = document.querySelector("#by-label");
  const byReason = document.querySelector("#by-reason");
  const MOUSE_PX = 16;
  const TOUCH_PX = 32;

  const points = Array.from(drawing.querySelectorAll("[data-r]"), (mark) => {
    const title = mark.querySelector("title");
    const [what, labels, ...text] = title.textContent.split("\n");
    title.remove(); // the panel says it
    const at = mark.dataset.at.split(" ").map(Number);
    return {
      mark, what, labels, x: at[0], y: at[1], text: text.join("\n"), on: true,
      label: mark.dataset.l.split(" "), reason: mark.dataset.r,
    };
  });
  let current = null;

  const part = (name, className, text) => {
    const made = document.createElement(name);
    made.className = className;
    made.textContent = text;
    return made;
  };

  const show = (point) => {
    if (point === current) return;
    current = point;
    ring.classList.toggle("on", point !== null);
    if (point === null) {
      panel.replaceChildren(hint);
      return;
    }
    ring.setAttribute("cx", point.x);
    ring.setAttribute("cy", point.y);
    const text = part("p", "text", point.text);
    text.dir = "auto";
    text.lang = "";
    const labels = part("bdi", "chip", "");
    labels.lang = "";
    for (const piece of point.labels.split(/(?<=_)/)) {
      labels.append(piece, document.createElement("wbr")); // a long label breaks after "_"
    }
    const kind = point.mark.classList.contains("rejected") ? "tag" : "kind";
    const about = part("p", "meta", "");
    about.append(part("span", kind, point.what), labels);
    panel.replaceChildren(about, text, part("p", "soft small", point.mark.dataset.i));
  };

  const filter = () => {
    let count = 0;
    for (const point of points) {
      point.on =
        (byLabel.value === "" || point.label.includes(byLabel.value)) &&
        (byReason.value === "" || point.reason === byReason.value ||
          (byReason.value === "rejected" && point.mark.classList.contains("rejected")));
      point.mark.classList.toggle("off", !point.on);
      count += point.on;
    }
    const all = points.length.toLocaleString("en");
    shown.textContent =
      count === points.length ? `${all} points` : `${count.toLocaleString("en")} of ${all} points`;
    if (current !== null && !current.on) show(null);
  };

  // Where a pointer is, in the drawing's own units, and how many pixels one of them takes.
  const place = (event) => {
    const matrix = drawing.getScreenCTM();
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
    return { x: at.x, y: at.y, scale: matrix.a };
  };

  const best = (cost) => {
    let found = null;
    let least = Infinity;
    for (const point of points) {
      const own = point.on && point !== current ? cost(point) : Infinity;
      if (own < least) [found, least] = [point, own];
    }
    return found;
  };

  const distance = (from) => (point) => Math.hypot(point.x - from.x, point.y - from.y);

  const near = (event, reachPx) => {
    const from = place(event);
    const away = distance(from);
    const found = best(away);
    const rival = current !== null && away(current) <= (found ? away(found) : Infinity);
    const nearest = rival ? current : found;
    if (nearest !== null && away(nearest) * from.scale <= reachPx) show(nearest);
  };

  const DIRECTIONS = {
    ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
  };

  // The nearest point within 45 degrees of the direction, those straight ahead first.
  const ahead = ([dx, dy]) =>
    best((point) => {
      const [x, y] = [point.x - current.x, point.y - current.y];
      const along = x * dx + y * dy;
      const across = Math.abs(x * dy - y * dx);
      return along > 0 && across <= along ? along + across : Infinity;
    });

  const step = (key) => {
    const on = points.filter((point) => point.on);
    const at = on.indexOf(current);
    const to = { Home: 0, End: on.length - 1, PageDown: at + 1, PageUp: at - 1 }[key];
    return on[Math.min(Math.max(to, 0), on.length - 1)] ?? null;
  };

  const middle = () => best(distance({ x: 50, y: 50 }));

  plane.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const direction = DIRECTIONS[event.key];
    if (event.key === "Escape") show(null);
    else if (direction) show(current === null ? middle() : ahead(direction) ?? current);
    else if (["Home", "End", "PageDown", "PageUp"].includes(event.key)) show(step(event.key));
    else return;
    event.preventDefault();
  });
  plane.addEventListener("focus", () => {
    if (current === null && plane.matches(":focus-visible")) show(middle());
  });
  drawing.addEventListener("pointermove", (event) => {
    if (event.pointerType === "mouse") near(event, MOUSE_PX);
  });
  drawing.addEventListener("click", (event) => near(event, TOUCH_PX));
  byLabel.addEventListener("change", filter);
  byReason.addEventListener("change", filter);

  plane.tabIndex = 0;
  plane.setAttribute("role", "application");
  plane.setAttribute("aria-label", drawing.getAttribute("aria-label"));
  plane.setAttribute("aria-describedby", "map-keys");
  for (const hidden of document.querySelectorAll("#map [hidden]")) hidden.hidden = false;
  filter();
}
