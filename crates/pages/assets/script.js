// Spares reloads; every page works without it. A link or form marked `data-swap="#id"` fetches its page and replaces that one
// element. `data-dialog` (links, and forms that only ask) shows the element `[data-dialog-body]` of its page in a dialog. `data-live` sends a form while typing.
"use strict";
(() => {
  // On a narrow screen each row of a table of records stands by itself, with the headings beside its cells. The roles keep it a
  // table to those who hear it.
  const roles = { THEAD: "rowgroup", TBODY: "rowgroup", TFOOT: "rowgroup", TR: "row", TD: "cell", TH: "columnheader" };
  function label(root) {
    for (const table of root.querySelectorAll("table.records:not([role])")) {
      const headings = [...table.tHead.rows[0].cells].map((cell) => cell.querySelector(".visually-hidden") ? "" : (cell.querySelector("a")?.firstChild ?? cell).textContent.trim());
      table.setAttribute("role", "table");
      for (const part of table.children) {
        if (!roles[part.tagName]) continue;
        part.setAttribute("role", roles[part.tagName]);
        for (const row of part.rows) {
          row.setAttribute("role", "row");
          let at = 0;
          for (const cell of row.cells) {
            cell.setAttribute("role", cell.scope === "row" ? "rowheader" : roles[cell.tagName]);
            if (cell.tagName === "TD" && cell.colSpan === 1 && headings[at]) cell.dataset.label = headings[at];
            at += cell.colSpan;
          }
        }
      }
    }
  }
  label(document);

  const parse = (html) => new DOMParser().parseFromString(html, "text/html");
  let running = null;

  async function load(url, init) {
    running?.abort();
    running = new AbortController();
    const response = await fetch(url, { ...init, signal: running.signal, credentials: "same-origin" });
    if (!(response.headers.get("content-type") ?? "").startsWith("text/html")) throw new Error("not a page");
    return { response, page: parse(await response.text()) };
  }

  function replace(page, selector, url, keep) {
    const old = document.querySelector(selector);
    const fresh = page.querySelector(selector);
    if (!old || !fresh) return false;
    const focused = document.activeElement?.id;
    const caret = document.activeElement?.selectionStart;
    old.replaceWith(document.adoptNode(fresh));
    label(document);
    const notice = page.querySelector("#notice");
    const place = document.querySelector("#notice");
    if (place && notice) place.innerHTML = notice.innerHTML;
    document.title = page.title;
    if (keep) history.replaceState(null, "", url);
    const again = focused && document.getElementById(focused);
    if (again) {
      again.focus();
      if (typeof caret === "number") try { again.setSelectionRange(caret, caret); } catch { /* not a text field */ }
    }
    return true;
  }

  function request(form, submitter) {
    const data = new FormData(form, submitter);
    const body = new URLSearchParams(data);
    // Attributes, not properties: a button without one of its own names this page, and a field may be called `action`.
    const own = (name) => submitter?.getAttribute(`form${name}`) ?? form.getAttribute(name) ?? "";
    const action = new URL(own("action"), location.href);
    if (own("method").toLowerCase() !== "post") {
      for (const [name, value] of [...body]) if (value === "") body.delete(name);
      action.search = body.toString();
      return [action, {}];
    }
    return [action, { method: "POST", body }];
  }

  // Those who do not see the page change hear what came of it: how much was found, or that nothing was.
  function say(selector) {
    const said = document.querySelector("#said");
    const found = document.querySelector(`${selector} caption, ${selector} .empty h2`);
    if (said) said.textContent = found?.textContent ?? document.title;
  }

  async function swap(url, init, selector, fallback) {
    try {
      const { response, page } = await load(url, init);
      if (!replace(page, selector, response.url, true)) fallback();
      else say(selector);
    } catch (error) {
      if (error.name !== "AbortError") fallback();
    }
  }

  async function dialog(url, opener) {
    try {
      const { page } = await load(url, {});
      const body = page.querySelector("[data-dialog-body]");
      if (!body) throw new Error("no dialog");
      const box = document.createElement("dialog");
      box.append(document.adoptNode(body));
      const heading = box.querySelector("h1, h2");
      if (heading) { heading.id ||= "dialog-title"; box.setAttribute("aria-labelledby", heading.id); }
      document.body.append(box);
      box.addEventListener("close", () => { box.remove(); (document.getElementById(opener.id) ?? opener).focus(); });
      box.addEventListener("click", (event) => {
        if (event.target.closest("[data-close]")) { event.preventDefault(); box.close(); }
      });
      box.showModal();
    } catch {
      location.href = url;
    }
  }

  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target.closest("a[data-swap], a[data-dialog]");
    if (!link) return;
    event.preventDefault();
    if (link.hasAttribute("data-dialog")) dialog(link.href, link);
    else swap(link.href, {}, link.dataset.swap, () => { location.href = link.href; });
  });

  document.addEventListener("submit", (event) => {
    const form = event.target;
    const selector = form.dataset?.swap;
    const asks = form.hasAttribute("data-dialog");
    if (!selector && !asks) return;
    event.preventDefault();
    const [url, init] = request(form, event.submitter);
    if (asks) {
      dialog(url.href, event.submitter ?? form);
      return;
    }
    const box = form.closest("dialog");
    swap(url, init, selector, () => { delete form.dataset.swap; form.requestSubmit(event.submitter ?? undefined); })
      .then(() => box?.close());
  });

  let waiting;
  document.addEventListener("input", (event) => {
    const form = event.target.closest("form[data-live]");
    if (!form) return;
    clearTimeout(waiting);
    waiting = setTimeout(() => form.requestSubmit(), 250);
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = document.querySelector("details.menu[open]");
    if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
  });
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });
})();
