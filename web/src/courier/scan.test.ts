import { describe, expect, it } from "vitest";

import { ScanListener } from "./scan";

function typed(listener: ScanListener, text: string, gapMs: number, startMs = 0): boolean {
  let swallowed = false;
  [...text, "Enter"].forEach((key, at) => {
    swallowed = listener.press({ key, timeMs: startMs + at * gapMs });
  });
  return swallowed;
}

describe("scan gun as keyboard", () => {
  it("hh_20 hears keys in quick succession that end in Enter as a scan", () => {
    const heard: string[] = [];
    const swallowed = typed(new ScanListener((code) => heard.push(code)), "SF123456789012", 8);
    expect(heard).toEqual(["SF123456789012"]);
    expect(swallowed).toBe(true);
  });

  it("hh_20 leaves a person's typing alone", () => {
    const heard: string[] = [];
    expect(typed(new ScanListener((code) => heard.push(code)), "hello", 120)).toBe(false);
    expect(heard).toEqual([]);
  });

  it("hh_20 starts a scan anew after a person typed before it", () => {
    const heard: string[] = [];
    const listener = new ScanListener((code) => heard.push(code));
    listener.press({ key: "x", timeMs: 0 });
    typed(listener, "YT7700112233", 10, 500);
    expect(heard).toEqual(["YT7700112233"]);
  });

  it("hh_20 takes capital letters although the gun presses Shift", () => {
    const heard: string[] = [];
    const listener = new ScanListener((code) => heard.push(code));
    ["Shift", "S", "Shift", "F", "1", "2", "3", "Enter"].forEach((key, at) => listener.press({ key, timeMs: at * 9 }));
    expect(heard).toEqual(["SF123"]);
  });

  it("hh_21 hears a scan once although the gun sends it twice", () => {
    const heard: string[] = [];
    const listener = new ScanListener((code) => heard.push(code));
    typed(listener, "SF100200300", 5, 0);
    typed(listener, "SF100200300", 5, 400);
    typed(listener, "SF100200300", 5, 5000);
    expect(heard).toEqual(["SF100200300", "SF100200300"]);
  });
});
