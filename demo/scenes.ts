/**
 * The reel the demo agent makes: what each scene shows, says and sounds like. Plain data; rendering is in render.ts.
 */
export interface DemoScene {
  sceneKey: string;
  title: string;
  /** Seconds of each chunk; most scenes are one chunk. */
  chunkSeconds: number[];
  /** ffmpeg lavfi video source, and filters laid over it. */
  source: string;
  filters?: string;
  /** Notes of the chord that sounds, in Hz. */
  chord: number[];
  captions: string[];
}

/** The scene the agent renders a second time while later ones are still being made. */
export const RERENDERED_SCENE_KEY = "01-opening";
export const REEL_TITLE = "Six ways to fill a plane";
export const FRAME = { width: 960, height: 540, fps: 25 } as const;

const size = `${FRAME.width}x${FRAME.height}`;
const rate = FRAME.fps;

export const SCENES: readonly DemoScene[] = [
  {
    sceneKey: "01-opening",
    title: "Opening",
    chunkSeconds: [3],
    source: `gradients=s=${size}:r=${rate}:n=3:c0=0x0b1026:c1=0x3450c8:c2=0x7cc7ff:x0=0:y0=0:x1=960:y1=540:speed=0.02:seed=4`,
    chord: [220, 277.18, 329.63],
    captions: ["A plane is empty.", "Let us fill it in six ways."],
  },
  {
    sceneKey: "02-rings",
    title: "Rings that interfere",
    chunkSeconds: [4],
    source: `nullsrc=s=240x136:r=${rate}`,
    filters: `geq=lum='128+90*sin(hypot(X-120-60*sin(T),Y-68)/5-4*T)*sin(hypot(X-120+60*sin(T),Y-68)/6)':cb='150':cr='110',scale=${size.replace("x", ":")}:flags=bicubic`,
    chord: [196, 246.94, 293.66],
    captions: ["Two stones in a pond.", "Where their waves meet, a pattern stands."],
  },
  {
    sceneKey: "03-mandelbrot",
    title: "A border without end",
    chunkSeconds: [5],
    source: `mandelbrot=s=480x270:r=${rate}:start_scale=2.2:end_scale=0.02:end_pts=160:maxiter=256:inner=convergence:start_x=-0.743643887:start_y=-0.131825904`,
    filters: `scale=${size.replace("x", ":")}:flags=bicubic,hue=h=200:s=0.8`,
    chord: [174.61, 220, 261.63],
    captions: [
      "One line of arithmetic, repeated.",
      "Its border is longer than any line.",
      "We dive towards it.",
    ],
  },
  {
    sceneKey: "04-rule-110",
    title: "Rule 110",
    chunkSeconds: [3],
    source: `cellauto=s=240x136:r=${rate}:rule=110:random_seed=7:random_fill_ratio=0.02:scroll=1`,
    filters: `scale=${size.replace("x", ":")}:flags=neighbor,colorchannelmixer=rr=0.95:gg=0.75:bb=0.35`,
    chord: [164.81, 207.65, 246.94],
    captions: ["Each cell looks at its neighbours.", "That is enough to compute anything."],
  },
  {
    sceneKey: "05-life",
    title: "Life",
    chunkSeconds: [2, 3],
    source: `life=s=160x90:r=12:mold=24:ratio=0.32:seed=11:death_color=0x14323c:life_color=0xbdf0d0:mold_color=0x0e1f2a`,
    filters: `fps=${rate},scale=${size.replace("x", ":")}:flags=neighbor`,
    chord: [146.83, 185, 220],
    captions: ["Too lonely, a cell dies.", "Too crowded, it dies too.", "In between, it lives."],
  },
  {
    sceneKey: "06-sierpinski",
    title: "A triangle of triangles",
    chunkSeconds: [3],
    source: `sierpinski=s=480x270:r=${rate}:type=triangle:seed=3:jump=60`,
    filters: `scale=${size.replace("x", ":")}:flags=bicubic,format=rgb24,colorchannelmixer=rr=0.35:gg=0.9:bb=0.8`,
    chord: [130.81, 164.81, 196],
    captions: ["Take out the middle.", "Then the middle of what is left."],
  },
  {
    sceneKey: "07-closing",
    title: "Closing",
    chunkSeconds: [2],
    source: `gradients=s=${size}:r=${rate}:n=3:c0=0x1a0b26:c1=0xb8446a:c2=0xffc27c:x0=960:y0=0:x1=0:y1=540:speed=0.02:seed=9`,
    chord: [220, 277.18, 329.63, 440],
    captions: ["The plane is full."],
  },
];
