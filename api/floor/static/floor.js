// SPDX-License-Identifier: Apache-2.0
// Everything works without this file. It keeps the scanner's field focused, makes results heard and felt, and stops a
// form from being sent twice by a nervous trigger (the server would notice as well).

const field = document.querySelector("[data-scan]");
const banner = document.querySelector("[data-sound]");

field?.focus();
if (field instanceof HTMLInputElement && field.value) field.select();

// A scanner types into whatever has the focus; where nothing has, its keys belong into the scan field.
document.addEventListener("keydown", (event) => {
  const busy = document.activeElement instanceof HTMLElement && document.activeElement.matches("input, select, button, a");
  if (!busy && field && event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey) field.focus();
});

for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    // Downloads leave the page as it is, so it is fetched again to show what comes next.
    if ("reload" in form.dataset) {
      setTimeout(() => location.assign(location.pathname), 800);
      return;
    }
    if (form.method === "post" && !form.classList.contains("again")) form.dataset.sent = "yes";
  });
}
// A page that comes back out of the browser's cache may be sent again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form")) delete form.dataset.sent;
});

const TONES = { go: [[880, 0.09]], stop: [[220, 0.22], [165, 0.32]] };

function play(kind) {
  const audio = new AudioContext();
  let at = audio.currentTime;
  for (const [hertz, seconds] of TONES[kind]) {
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    tone.type = kind === "go" ? "sine" : "square";
    tone.frequency.value = hertz;
    volume.gain.setValueAtTime(0.2, at);
    volume.gain.exponentialRampToValueAtTime(0.001, at + seconds);
    tone.connect(volume).connect(audio.destination);
    tone.start(at);
    tone.stop(at + seconds);
    at += seconds;
  }
}

if (banner) {
  const kind = banner.dataset.sound;
  navigator.vibrate?.(kind === "go" ? 40 : [120, 60, 220]);
  try {
    play(kind);
  } catch {
    // A device without sound still shows the banner.
  }
}
