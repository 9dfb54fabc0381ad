"use strict";
// Everything works by anchors alone; this lights both sides, opens what is folded and filters.
(() => {
  const byFact = new Map();
  for (const mark of document.querySelectorAll("mark[data-facts]"))
    for (const fact of mark.dataset.facts.split(" ")) {
      if (!byFact.has(fact)) byFact.set(fact, []);
      byFact.get(fact).push(mark);
    }
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const target = () => {
    try { return document.getElementById(decodeURIComponent(location.hash.slice(1))); }
    catch { return null; }
  };
  const show = (element) =>
    element && element.scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
  const unlit = () => {
    for (const lit of document.querySelectorAll(".lit")) lit.classList.remove("lit");
  };
  const light = () => {
    unlit();
    const found = target();
    if (!found) return;
    for (let outer = found; outer; outer = outer.parentElement)
      if (outer.tagName === "DETAILS") outer.open = true;
    const card = found.closest(".card");
    if (card && byFact.has(card.id)) {
      const marks = byFact.get(card.id);
      for (const mark of marks) mark.classList.add("lit");
      show(marks[0]);
    }
    const mark = found.closest("mark") || found.querySelector(":scope > mark");
    if (mark) {
      for (const piece of document.querySelectorAll("mark[data-quote]"))
        if (piece.dataset.quote === mark.dataset.quote) piece.classList.add("lit");
      for (const fact of mark.dataset.facts.split(" "))
        document.getElementById(fact)?.classList.add("lit");
    }
  };
  // Words on which several facts rest lead to the next of them each time.
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("mark a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const facts = link.closest("mark").dataset.facts.split(" ");
    const now = facts.indexOf(location.hash.slice(1));
    if (now < 0 || facts.length < 2) return;
    event.preventDefault();
    location.hash = facts[(now + 1) % facts.length];
  });
  const near = (event, on) => {
    const card = event.target.closest?.(".card");
    for (const mark of (card && byFact.get(card.id)) || []) mark.classList.toggle("near", on);
    const link = event.target.closest?.("mark a");
    for (const fact of link ? link.closest("mark").dataset.facts.split(" ") : [])
      document.getElementById(fact)?.classList.toggle("near", on);
  };
  for (const [name, on] of [["mouseover", true], ["mouseout", false], ["focusin", true], ["focusout", false]])
    document.addEventListener(name, (event) => near(event, on));
  const filter = document.getElementById("filter");
  if (filter) {
    filter.closest(".filter").hidden = false;
    const rows = [...document.getElementById(filter.dataset.filters).rows].map((row) => [row, row.textContent.toLowerCase()]);
    filter.addEventListener("input", () => {
      const wanted = filter.value.trim().toLowerCase();
      let shown = 0;
      for (const [row, words] of rows) shown += !(row.hidden = !words.includes(wanted));
      document.getElementById("filtered").textContent = wanted ? `${shown} of ${rows.length}` : "";
    });
  }
  addEventListener("hashchange", light);
  light();
})();
