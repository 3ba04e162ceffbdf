/** The custom elements of the player, for JSX. Attributes are media-chrome's own. */
import type { DetailedHTMLProps, HTMLAttributes } from "react";
import type { ReelVideoElement } from "./reel-video.ts";

type Props<Element = HTMLElement> = DetailedHTMLProps<HTMLAttributes<Element>, Element> & {
  [attribute: string]: unknown;
};

declare module "react" {
  // The only way to tell JSX about custom elements is to extend this namespace.
  namespace JSX {
    interface IntrinsicElements {
      "reel-video": Props<ReelVideoElement>;
      "media-controller": Props;
      "media-control-bar": Props;
      "media-play-button": Props;
      "media-mute-button": Props;
      "media-volume-range": Props;
      "media-time-range": Props;
      "media-time-display": Props;
      "media-captions-button": Props;
      "media-playback-rate-button": Props;
      "media-pip-button": Props;
      "media-fullscreen-button": Props;
      "media-loading-indicator": Props;
    }
  }
}
