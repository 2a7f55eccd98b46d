import "../design/tokens.css";
import "../design/controls.css";
import "./station.css";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { LanguageProvider } from "../i18n/language";
import { SessionProvider } from "../session/Session";
import { App } from "./App";

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <LanguageProvider>
        <SessionProvider>
          <App />
        </SessionProvider>
      </LanguageProvider>
    </StrictMode>,
  );
}
