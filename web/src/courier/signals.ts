/** Three sounds and three vibrations for a scan (HH-23); made here, so no sound file is fetched. */

export type ScanSignal = "ok" | "duplicate" | "wrong";

const TONES: Record<ScanSignal, { hertz: number[]; vibrate: number[] }> = {
  ok: { hertz: [1320], vibrate: [40] },
  duplicate: { hertz: [880, 880], vibrate: [40, 60, 40] },
  wrong: { hertz: [330, 220], vibrate: [200] },
};

const TONE_S = 0.12;

let audio: AudioContext | null = null;

export function signal(kind: ScanSignal): void {
  const { hertz, vibrate } = TONES[kind];
  navigator.vibrate?.(vibrate);
  try {
    audio ??= new AudioContext();
  } catch {
    return; // a phone without sound still vibrates and shows the word
  }
  const from = audio.currentTime;
  hertz.forEach((pitch, at) => {
    if (!audio) return;
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    tone.frequency.value = pitch;
    volume.gain.value = 0.15;
    tone.connect(volume).connect(audio.destination);
    tone.start(from + at * TONE_S);
    tone.stop(from + (at + 0.8) * TONE_S);
  });
}
