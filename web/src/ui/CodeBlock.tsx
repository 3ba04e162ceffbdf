import { useClipboard } from "@mantine/hooks";
import { Check, Copy } from "lucide-react";
import styles from "./CodeBlock.module.css";

interface Props {
  code: string;
  /** What it is, shown above it. */
  title: string;
  maxHeight?: number;
}

export function CodeBlock({ code, title, maxHeight }: Props) {
  const clipboard = useClipboard({ timeout: 1500 });
  return (
    <figure className={styles["block"]}>
      <figcaption>
        <span>{title}</span>
        <button type="button" onClick={() => clipboard.copy(code)}>
          {clipboard.copied ? <Check size={14} /> : <Copy size={14} />}
          {clipboard.copied ? "Copied" : "Copy"}
        </button>
      </figcaption>
      <pre tabIndex={0} style={maxHeight ? { maxHeight } : undefined}>
        <code>{code}</code>
      </pre>
    </figure>
  );
}
