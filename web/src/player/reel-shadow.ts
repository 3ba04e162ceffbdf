/** What is inside a `<reel-video>`: two stacked media elements of which one is seen, and its looks. */

const STYLE = `
  :host {
    display: block; position: relative; isolation: isolate; overflow: hidden; background: #000; line-height: 1.35;
    container-type: inline-size;
  }
  /* Opaque: beside a picture of another shape than the box the one behind it would be seen. */
  video {
    position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain; z-index: 0; background: #000;
  }
  video[data-front] { z-index: 1; }
  [part=captions] {
    position: absolute; z-index: 2; inset-inline: 6%; bottom: var(--reel-captions-bottom, 6%);
    display: flex; flex-direction: column; align-items: center; gap: 0.25em;
    font: 500 clamp(14px, 2.4cqi, 30px)/1.35 system-ui, sans-serif; text-align: center; pointer-events: none;
    transition: bottom 150ms;
  }
  [part=cue] {
    padding: 0.12em 0.5em; border-radius: 0.25em; color: #fff; background: rgb(8 10 12 / 0.82);
    white-space: pre-line; text-wrap: balance; overflow-wrap: anywhere;
  }
  @media (prefers-reduced-motion: reduce) { [part=captions] { transition: none; } }
`;

export function createStyle(): HTMLStyleElement {
  const style = document.createElement("style");
  style.textContent = STYLE;
  return style;
}

export function createVideo(): HTMLVideoElement {
  const video = document.createElement("video");
  video.crossOrigin = "anonymous";
  video.playsInline = true;
  video.preload = "auto";
  video.tabIndex = -1;
  return video;
}
