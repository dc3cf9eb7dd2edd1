/* Small helpers over plain HTML. Everything works without this file; with it, things are nicer.

   data-confirm="Question"          asks before a form, button or link goes on
     data-confirm-title, data-confirm-label, data-confirm-tone="danger"
   data-disable-on-submit           on a form: one click is one submission
   data-dialog-open="id"            opens <dialog id>; data-dialog-close closes it
   data-nav-toggle / data-nav-close the menu on phones
   data-poll="3"                    fetches this part of the page again every 3 s, until it comes
                                    back without data-poll; data-poll-url, data-poll-limit="60"
   data-copy="#id" or "text"        copies;  data-print  prints
   data-flash / data-flash-close    a message that can be put away
   data-dropzone / data-file-name   shows the chosen file
   data-check-all="name"            ticks all boxes of that name; data-check-count shows how many
   data-auto-submit                 sends the form when a choice changes
   data-reveal="#id"                shows and hides a password
   data-preview="--token"           shows a typed or picked colour in [data-preview-target]
   data-preview-picture="#img"      shows the chosen picture before it is sent
   data-focus                       gets the focus when the page opens                         */
(() => {
  "use strict";

  const root = document.documentElement;
  root.classList.add("js");
  const $ = (selector, place = document) => place.querySelector(selector);
  const $$ = (selector, place = document) => [...place.querySelectorAll(selector)];
  const words = (name) => document.body.dataset[name] || "";
  const on = (type, handler, options) => document.addEventListener(type, handler, options);

  // ---- Toasts ------------------------------------------------------------
  function toast(text) {
    const box = $("#toasts");
    if (!box || !text) return;
    const item = document.createElement("div");
    item.className = "toast";
    item.textContent = text;
    box.append(item);
    setTimeout(() => item.remove(), 6000);
  }

  // ---- Questions ---------------------------------------------------------
  function element(name, className, text) {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text) made.textContent = text;
    return made;
  }

  function ask(source) {
    return new Promise((resolve) => {
      const { confirm, confirmTitle, confirmLabel, confirmTone } = source.dataset;
      const dialog = element("dialog");
      const title = element("h2", "dialog-title", confirmTitle || words("tSure"));
      const text = element("p", "dialog-text", confirm);
      const row = element("div", "dialog-actions");
      const no = element("button", "button", words("tCancel"));
      const style = confirmTone === "danger" ? "button-danger" : "button-primary";
      const yes = element("button", `button ${style}`, confirmLabel || words("tConfirm"));
      title.id = "confirm-title";
      text.id = "confirm-text";
      dialog.setAttribute("aria-labelledby", title.id);
      dialog.setAttribute("aria-describedby", text.id);
      no.type = yes.type = "button";
      let answer = false;
      no.addEventListener("click", () => dialog.close());
      yes.addEventListener("click", () => { answer = true; dialog.close(); });
      dialog.addEventListener("close", () => { dialog.remove(); resolve(answer); });
      row.append(no, yes);
      dialog.append(title, text, row);
      document.body.append(dialog);
      dialog.showModal();
    });
  }

  const answered = new WeakSet();

  on("submit", async (event) => {
    const form = event.target;
    const button = event.submitter;
    const source = button?.dataset.confirm ? button : form.dataset.confirm ? form : null;
    if (!source || answered.delete(form)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!(await ask(source))) return;
    answered.add(form);
    form.requestSubmit(button || undefined);
  }, true);

  on("click", async (event) => {
    const link = event.target.closest("a[data-confirm]");
    if (!link) return;
    event.preventDefault();
    if (await ask(link)) window.location.assign(link.href);
  });

  // ---- One click is one submission --------------------------------------
  const SUBMIT = "button:not([type=button]):not([type=reset]), input[type=submit]";

  function release(form) {
    delete form.dataset.sending;
    $$(SUBMIT, form).forEach((button) => {
      button.disabled = false;
      button.removeAttribute("aria-busy");
    });
  }

  on("submit", (event) => {
    const form = event.target;
    if (!form.hasAttribute("data-disable-on-submit") || event.defaultPrevented) return;
    if (form.dataset.sending) {
      event.preventDefault();
      return;
    }
    form.dataset.sending = "1";
    (event.submitter || $(SUBMIT, form))?.setAttribute("aria-busy", "true");
    // After this turn, so that the button's own name and value are still sent.
    setTimeout(() => $$(SUBMIT, form).forEach((button) => { button.disabled = true; }), 0);
    setTimeout(() => release(form), 20000);
  });

  // A page that comes back from the browser's history is alive again.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) $$("form[data-sending]").forEach(release);
  });

  // ---- Dialogs and menus -------------------------------------------------
  on("click", (event) => {
    const opener = event.target.closest("[data-dialog-open]");
    if (opener) {
      const dialog = document.getElementById(opener.dataset.dialogOpen);
      if (dialog?.showModal) {
        event.preventDefault();
        if (!dialog.open) dialog.showModal();
      }
      return;
    }
    const closer = event.target.closest("[data-dialog-close]");
    if (closer) {
      event.preventDefault();
      closer.closest("dialog")?.close();
      return;
    }
    if (event.target.matches("dialog[open]") && isOutside(event)) event.target.close();
  });

  function isOutside(event) {
    const box = event.target.getBoundingClientRect();
    return event.clientX < box.left || event.clientX > box.right
      || event.clientY < box.top || event.clientY > box.bottom;
  }

  on("click", (event) => {
    $$("details.menu[open]").forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });

  on("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = event.target.closest?.("details.menu[open]");
    if (menu) {
      menu.open = false;
      $("summary", menu)?.focus();
    }
    if (document.body.classList.contains("has-drawer")) closeNav();
  });

  // ---- The menu on phones ------------------------------------------------
  function navOf(toggle) {
    return document.getElementById(toggle.getAttribute("href").slice(1));
  }

  function setNav(toggle, open) {
    const panel = navOf(toggle);
    panel?.classList.toggle("is-open", open);
    toggle.setAttribute("aria-expanded", String(open));
    const isDrawer = Boolean(panel?.classList.contains("sidebar"));
    document.body.classList.toggle("has-drawer", open && isDrawer);
    if (isDrawer) $("#main").inert = open;
    if (open) $("a[href]:not([aria-hidden])", panel)?.focus();
  }

  function closeNav() {
    const toggle = $("[data-nav-toggle][aria-expanded=true]");
    if (!toggle) return;
    setNav(toggle, false);
    toggle.focus();
  }

  function prepareNav(toggle) {
    toggle.setAttribute("role", "button");
    toggle.setAttribute("aria-expanded", "false");
    toggle.setAttribute("aria-controls", toggle.getAttribute("href").slice(1));
    toggle.addEventListener("keydown", (event) => {
      if (event.key === " ") { event.preventDefault(); toggle.click(); }
    });
  }

  on("click", (event) => {
    const toggle = event.target.closest("[data-nav-toggle]");
    if (toggle) {
      event.preventDefault();
      setNav(toggle, toggle.getAttribute("aria-expanded") !== "true");
    } else if (event.target.closest("[data-nav-close]")) {
      event.preventDefault();
      closeNav();
    }
  });

  // ---- Pages that wait for something ------------------------------------
  function poll(node, round = 1) {
    const seconds = Number(node.dataset.poll) || 3;
    const limit = Number(node.dataset.pollLimit) || 60;
    if (round > limit) return;
    setTimeout(() => refresh(node, round), seconds * 1000 * (round > 20 ? 2 : 1));
  }

  // The node itself stays, so that a screen reader goes on listening to a live region.
  function become(node, fresh) {
    node.getAttributeNames().forEach((name) => node.removeAttribute(name));
    [...fresh.attributes].forEach(({ name, value }) => node.setAttribute(name, value));
    node.replaceChildren(...fresh.childNodes);
    window.htmx?.process(node);
    prepare(node);
  }

  async function refresh(node, round) {
    if (!node.isConnected) return;
    if (document.hidden) { poll(node, round); return; }
    try {
      const url = node.dataset.pollUrl || window.location.href;
      const answer = await fetch(url, { headers: { "X-Requested-With": "poll" }, cache: "no-store" });
      if (answer.redirected && new URL(answer.url).pathname !== new URL(url, window.location).pathname) {
        window.location.assign(answer.url);
        return;
      }
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = node.id ? page.getElementById(node.id) : $("[data-poll]", page);
      if (!fresh) { window.location.reload(); return; }
      if (!node.isEqualNode(fresh)) become(node, fresh);
      if (node.hasAttribute("data-poll")) poll(node, round + 1);
    } catch {
      poll(node, round + 1);
    }
  }

  // ---- Small pieces ------------------------------------------------------
  on("click", async (event) => {
    const copier = event.target.closest("[data-copy]");
    if (copier) {
      const wanted = copier.dataset.copy;
      const source = wanted.startsWith("#") ? $(wanted) : null;
      const text = source ? source.value ?? source.textContent : wanted;
      try {
        await navigator.clipboard.writeText(text.trim());
        toast(words("tCopied"));
      } catch {
        if (source) window.getSelection()?.selectAllChildren(source);
      }
    }
    event.target.closest("[data-flash-close]")?.closest("[data-flash]")?.remove();
    if (event.target.closest("[data-print]")) window.print();
    const reveal = event.target.closest("[data-reveal]");
    if (reveal) {
      const input = $(reveal.dataset.reveal);
      const hidden = input.type === "password";
      input.type = hidden ? "text" : "password";
      reveal.setAttribute("aria-pressed", String(hidden));
    }
  });

  on("change", (event) => {
    const input = event.target;
    if (input.type === "file") {
      const name = $("[data-file-name]", input.closest("[data-dropzone]") || input.parentElement);
      if (name) name.textContent = [...input.files].map((file) => file.name).join(", ");
    }
    if (input.dataset.checkAll) {
      boxes(input.dataset.checkAll).forEach((box) => { box.checked = input.checked; });
    }
    if (input.type === "checkbox") countChecks(input.form);
    if (input.closest("[data-auto-submit]") && input.form) input.form.requestSubmit();
  });

  const boxes = (name) => $$(`input[type=checkbox][name="${CSS.escape(name)}"]:not(:disabled)`);

  function countChecks(form) {
    $$("[data-check-count]", form || document).forEach((place) => {
      const all = boxes(place.dataset.checkCount);
      const ticked = all.filter((box) => box.checked).length;
      place.textContent = String(ticked);
      const head = $(`[data-check-all="${CSS.escape(place.dataset.checkCount)}"]`);
      if (head) {
        head.checked = ticked > 0 && ticked === all.length;
        head.indeterminate = ticked > 0 && ticked < all.length;
      }
    });
  }

  // ---- Settings: the look before it is saved ----------------------------
  on("input", (event) => {
    const token = event.target.dataset?.preview;
    if (!token) return;
    const colour = event.target.value.trim();
    const fits = /^#[0-9a-f]{6}$/i.test(colour);
    $$("[data-preview-target]").forEach((place) => {
      if (fits) place.style.setProperty(token, colour);
      else place.style.setProperty(token, "transparent");
    });
  });

  on("change", (event) => {
    const input = event.target;
    const image = input.dataset?.previewPicture && $(input.dataset.previewPicture);
    const file = image && input.files[0];
    if (!file || file.size > 5000000 || !file.type.startsWith("image/")) return;
    const reader = new FileReader();
    reader.addEventListener("load", () => {
      image.src = reader.result;
      image.parentElement.hidden = false;
    });
    reader.readAsDataURL(file);
  });

  for (const type of ["dragenter", "dragover", "dragleave", "drop"]) {
    on(type, (event) => {
      const zone = event.target.closest?.("[data-dropzone]");
      if (zone) zone.classList.toggle("is-over", type === "dragenter" || type === "dragover");
    });
  }

  // ---- htmx: say when something failed ----------------------------------
  on("htmx:responseError", () => toast(words("tFailed")));
  on("htmx:sendError", () => toast(words("tOffline")));
  on("htmx:load", (event) => prepare(event.detail.elt));

  // A wide table can be scrolled with the keyboard, and says what it is.
  function prepareTable(wrap) {
    if (wrap.scrollWidth <= wrap.clientWidth || wrap.hasAttribute("tabindex")) return;
    wrap.tabIndex = 0;
    wrap.setAttribute("role", "region");
    const caption = $("caption", wrap)?.textContent.trim() || $("h1")?.textContent.trim();
    if (caption) wrap.setAttribute("aria-label", caption);
  }

  function prepare(place) {
    $$(".table-wrap", place.parentElement || place).forEach(prepareTable);
  }

  $$("[data-nav-toggle]").forEach(prepareNav);
  $$("[data-poll]").forEach((node) => poll(node));
  $("[data-focus]")?.focus();
  // On a phone the open tab may lie beyond the edge of its row.
  $$(".tabs [aria-current]").forEach((tab) => {
    const row = tab.closest(".tabs");
    const beyond = tab.getBoundingClientRect().right - row.getBoundingClientRect().right;
    if (beyond > 0) row.scrollLeft += beyond + 24;
  });
  countChecks();
  prepare(document.body);
})();
