/**
 * The ring of an offer. Owns the sound, made from numbers: no file. Browsers keep it silent until the user has
 * touched the page once; `blocked` tells so.
 */

import {create} from "zustand";

export const useRing = create(() => ({blocked: true}));

const SECONDS = 3;
const TONES_HZ = [440, 554];
const FADE_S = 0.02;

// Not pointerdown: the hint would go away and move the page under the pointer before the click arrives.
const GESTURES = ["click", "keydown"];

let context: AudioContext | null = null;
let source: AudioBufferSourceNode | null = null;

/** One period: two soft double beats, then silence. */
export function ringSamples(rate_hz: number): Float32Array<ArrayBuffer> {
  const samples = new Float32Array(SECONDS * rate_hz);
  for (let index = 0; index < samples.length; index += 1) {
    const at_s = index / rate_hz;
    const tone = TONES_HZ.reduce((sum, hz) => sum + Math.sin(2 * Math.PI * hz * at_s), 0) / TONES_HZ.length;
    samples[index] = 0.35 * tone * envelope(at_s);
  }
  return samples;
}

function envelope(at_s: number): number {
  const beat_s = [0, 0.5].map((start) => at_s - start).find((since) => since >= 0 && since < 0.38);
  return beat_s === undefined ? 0 : Math.min(1, beat_s / FADE_S, (0.38 - beat_s) / FADE_S);
}

/** Listen for the first gesture. @returns stops listening. */
export function awaitGesture(): () => void {
  const wake = () => void enableSound();
  for (const kind of GESTURES) window.addEventListener(kind, wake, true);
  if (navigator.userActivation.hasBeenActive) wake();
  return () => {
    for (const kind of GESTURES) window.removeEventListener(kind, wake, true);
  };
}

export async function enableSound(): Promise<void> {
  context ??= new AudioContext();
  if (context.state === "suspended") await context.resume().catch(() => undefined);
  useRing.setState({blocked: context.state !== "running"});
}

export function startRing(): void {
  if (context?.state !== "running" || source !== null) return;
  const samples = ringSamples(context.sampleRate);
  const buffer = context.createBuffer(1, samples.length, context.sampleRate);
  buffer.copyToChannel(samples, 0);
  source = new AudioBufferSourceNode(context, {buffer, loop: true});
  source.connect(context.destination);
  source.start();
}

export function stopRing(): void {
  source?.stop();
  source?.disconnect();
  source = null;
}
