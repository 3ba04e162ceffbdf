/** The look of ready-made components. Colours of our own parts are in styles/tokens.css and agree with these. */
import {
  ActionIcon,
  Button,
  createTheme,
  Drawer,
  Modal,
  SegmentedControl,
  Tabs,
  Tooltip,
  type MantineColorsTuple,
} from "@mantine/core";

const sync: MantineColorsTuple = [
  "#e9f8f2",
  "#d0efe3",
  "#a0dfc8",
  "#6ccfac",
  "#43c097",
  "#1fa97f",
  "#0f8f6a",
  "#08775b",
  "#066049",
  "#044938",
];

/** Mantine draws its dark scheme from this one: text at 0, surfaces from 6 on. */
const dark: MantineColorsTuple = [
  "#e4e9e8",
  "#c3cbca",
  "#98a3a2",
  "#6f7b7b",
  "#3a4446",
  "#2a3235",
  "#171c1f",
  "#101416",
  "#0d1012",
  "#090b0c",
];

const gray: MantineColorsTuple = [
  "#f6f7f6",
  "#eef0ef",
  "#e2e6e4",
  "#d3d9d6",
  "#b9c2be",
  "#8b9692",
  "#66716d",
  "#4c5653",
  "#313937",
  "#1a201e",
];

const sans =
  'Inter, ui-sans-serif, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "Liberation Sans", Arial, sans-serif';

/** A dialog's `<header>` would count as a second banner of the page. */
const NOT_THE_PAGES_HEADER = { header: { role: "presentation" } };

export const theme = createTheme({
  primaryColor: "sync",
  primaryShade: 7,
  colors: { sync, dark, gray },
  black: "#151a19",
  fontFamily: sans,
  fontFamilyMonospace:
    'ui-monospace, "SF Mono", "Cascadia Code", Menlo, Consolas, "Liberation Mono", monospace',
  fontSizes: { xs: "0.75rem", sm: "0.8125rem", md: "0.875rem", lg: "1rem", xl: "1.25rem" },
  defaultRadius: "md",
  radius: { xs: "4px", sm: "6px", md: "8px", lg: "12px", xl: "16px" },
  cursorType: "pointer",
  focusRing: "auto",
  respectReducedMotion: true,
  components: {
    Button: Button.extend({ defaultProps: { size: "sm" }, styles: { label: { fontWeight: 600 } } }),
    ActionIcon: ActionIcon.extend({ defaultProps: { variant: "subtle", color: "gray", size: "lg" } }),
    Tooltip: Tooltip.extend({
      defaultProps: {
        openDelay: 400,
        withArrow: true,
        arrowSize: 6,
        events: { hover: true, focus: true, touch: false },
      },
    }),
    Modal: Modal.extend({
      styles: { title: { fontSize: "1rem", fontWeight: 650 } },
      defaultProps: {
        centered: true,
        radius: "lg",
        overlayProps: { blur: 2 },
        closeButtonProps: { "aria-label": "Close" },
        attributes: NOT_THE_PAGES_HEADER,
      },
    }),
    SegmentedControl: SegmentedControl.extend({
      styles: { root: { background: "var(--rs-surface)", boxShadow: "inset 0 0 0 1px var(--rs-border)" } },
    }),
    Tabs: Tabs.extend({ vars: () => ({ root: { "--tabs-color": "var(--rs-accent)" } }) }),
    Drawer: Drawer.extend({
      defaultProps: { overlayProps: { blur: 1 }, attributes: NOT_THE_PAGES_HEADER },
    }),
  },
});
