/**
 * A scan gun types like a keyboard, only faster (HH-20). Keys that follow each other quickly and end in Enter or Tab
 * are a scan, wherever the focus is; slower typing is a person's and is left alone. A gun set to send twice is heard
 * once (HH-21).
 */

export interface ScanSettings {
  /** Longest pause between two keys of a scan. */
  gapMs: number;
  minLength: number;
  /** The same code again within this time is the gun's echo. */
  echoMs: number;
}

export const SCAN_DEFAULTS: ScanSettings = { gapMs: 35, minLength: 4, echoMs: 1000 };

export interface KeyPress {
  key: string;
  timeMs: number;
}

export class ScanListener {
  private code = "";
  private lastMs = -Infinity;
  private heard = "";
  private heardMs = -Infinity;

  constructor(
    private readonly onScan: (code: string) => void,
    private readonly settings: ScanSettings = SCAN_DEFAULTS,
  ) {}

  /** Take a key; true when it completed a scan and must not reach the page. */
  press({ key, timeMs }: KeyPress): boolean {
    const quick = timeMs - this.lastMs <= this.settings.gapMs;
    this.lastMs = timeMs;
    if (key === "Enter" || key === "Tab") {
      const code = quick ? this.code : "";
      this.code = "";
      if (code.length < this.settings.minLength) return false;
      this.tell(code, timeMs);
      return true;
    }
    if (key.length !== 1) return false; // Shift and the like belong to the character that follows
    this.code = quick ? this.code + key : key;
    return false;
  }

  private tell(code: string, timeMs: number): void {
    const echo = code === this.heard && timeMs - this.heardMs < this.settings.echoMs;
    this.heard = code;
    this.heardMs = timeMs;
    if (!echo) this.onScan(code);
  }
}

/** Listen at the document, before any field sees the keys; returns what ends it. */
export function listenForScans(onScan: (code: string) => void, settings: ScanSettings = SCAN_DEFAULTS): () => void {
  const listener = new ScanListener(onScan, settings);
  const pressed = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (listener.press({ key: event.key, timeMs: event.timeStamp })) {
      event.preventDefault();
      event.stopPropagation();
    }
  };
  document.addEventListener("keydown", pressed, { capture: true });
  return () => document.removeEventListener("keydown", pressed, { capture: true });
}
