import "../design/tokens.css";
import "../design/controls.css";
import "../map/map.css";
import "./courier.css";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import type { Me } from "../api/types";
import { LanguageProvider } from "../i18n/language";
import { SessionProvider, type MeStore } from "../session/Session";
import { App } from "./App";

const LAST = "cunda.courier";

/** Who used this handheld last, so that it opens in a valley without signal. Ids and the user name only. */
const lastUser: MeStore = {
  read: () => JSON.parse(localStorage.getItem(LAST) ?? "null") as Me | null,
  write: (me) => (me ? localStorage.setItem(LAST, JSON.stringify(me)) : localStorage.removeItem(LAST)),
};

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <LanguageProvider>
        <SessionProvider remembered={lastUser}>
          <App />
        </SessionProvider>
      </LanguageProvider>
    </StrictMode>,
  );
}

if (import.meta.env.PROD && "serviceWorker" in navigator) {
  // Beside the page, so that it serves this page and nothing else.
  navigator.serviceWorker.register(new URL("./service-worker.js", document.baseURI)).catch(() => {
    // A browser that forbids it (private window) shows the page all the same, only not without network.
  });
}
