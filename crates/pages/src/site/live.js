// Keeps a page up to date: when a rescue is at another block, its page is fetched again, and what has changed is put in place of what is
// shown. All tabs share one stream of events: whoever holds the lock listens, and tells the others. A hidden tab neither listens nor fetches.
"use strict";
(() => {
  /** How old a page of a rescue without news may become, in milliseconds: time alone changes what is due. */
  const PATIENCE = 60_000;
  /** When to listen again after the server has refused, in milliseconds. */
  const PAUSE = 30_000;
  // Only where the browser trusts the connection.
  if (!navigator.locks) return;
  const channel = new BroadcastChannel("levee-live");
  const shown = document.body.dataset.rescue;
  let fetched = Date.now();
  let fetching = false;
  let again = false;
  let waiting;

  /** Something that is found again in the new content: by its ID, its link or its summary, and where it is among the same. */
  function trace(element) {
    const name = (one) => one.id || one.getAttribute("href") || one.querySelector("summary")?.textContent || "";
    const same = (root) => [...root.querySelectorAll(element.localName)].filter((one) => name(one) === name(element));
    const place = same(document).indexOf(element);
    return () => same(document)[place];
  }

  /** Puts new content in place, and leaves the reader where it was. */
  function replace(next) {
    const olds = [...document.querySelectorAll("[data-live]")];
    const news = olds.map((old) => next.querySelector(`[data-live="${old.dataset.live}"]`));
    if (olds.every((old, index) => news[index]?.isEqualNode(old))) return;
    const focus = document.activeElement?.closest("[data-live]") ? trace(document.activeElement) : undefined;
    const open = [...document.querySelectorAll("[data-live] details[open]")].map(trace);
    const { scrollX, scrollY } = window;
    olds.forEach((old, index) => { if (news[index]) old.replaceWith(document.adoptNode(news[index])); });
    document.title = next.title;
    for (const find of open) find()?.setAttribute("open", "");
    focus?.()?.focus({ preventScroll: true });
    window.scrollTo(scrollX, scrollY);
  }

  async function refresh() {
    again = fetching;
    if (fetching || document.hidden) return;
    fetching = true;
    try {
      const answer = await fetch(location.href, { cache: "no-cache", headers: { accept: "text/html" } });
      if (answer.ok) {
        replace(new DOMParser().parseFromString(await answer.text(), "text/html"));
        fetched = Date.now();
      }
    } catch { /* The next event tries again. */ }
    fetching = false;
    if (again) refresh();
  }

  /** `rescues` are those with news at a block; null if any may have some. */
  function take({ rescues }) {
    if (!shown || !rescues || rescues.includes(shown) || Date.now() - fetched > PATIENCE) refresh();
  }

  /** Holds the lock and the stream until `signal` ends both. */
  function listen(signal) {
    return new Promise((end) => {
      const source = new EventSource("/events");
      source.addEventListener("block", ({ data }) => {
        const news = JSON.parse(data);
        channel.postMessage(news);
        take(news);
      });
      source.addEventListener("error", () => {
        if (source.readyState === EventSource.CLOSED) setTimeout(wake, PAUSE);
      });
      signal.addEventListener("abort", () => { source.close(); end(); });
      if (signal.aborted) { source.close(); end(); }
    });
  }

  function wake() {
    waiting?.abort();
    waiting = undefined;
    if (document.hidden) return;
    const { signal } = waiting = new AbortController();
    navigator.locks.request("levee-live", { signal }, () => listen(signal)).catch(() => {});
  }

  channel.addEventListener("message", ({ data }) => take(data));
  document.addEventListener("visibilitychange", () => { wake(); refresh(); });
  // A page that is kept for the way back must hold no lock.
  addEventListener("pagehide", () => { waiting?.abort(); waiting = undefined; });
  addEventListener("pageshow", ({ persisted }) => { if (persisted) { wake(); refresh(); } });
  wake();
})();
