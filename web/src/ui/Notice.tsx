import type { ReactNode } from "react";
import { describeError } from "../describe-error.ts";
import styles from "./Notice.module.css";

interface Props {
  title: string;
  icon?: ReactNode;
  children?: ReactNode;
  /** Buttons under the text. */
  actions?: ReactNode;
  tone?: "neutral" | "failed";
  testId?: string;
  /** For code that should not be cut off. */
  wide?: boolean;
  /** It is the whole page, so its title is the page's. */
  isPage?: boolean;
}

/** A page or a panel that has something to say instead of something to show. */
export function Notice(props: Props) {
  const { title, icon, children, actions, tone = "neutral", testId, wide = false, isPage = false } = props;
  const Title = isPage ? "h1" : "h2";
  return (
    <section
      className={styles["notice"]}
      data-tone={tone}
      data-wide={wide || undefined}
      role={tone === "failed" ? "alert" : undefined}
      data-testid={testId}
    >
      {icon && <div className={styles["icon"]}>{icon}</div>}
      <Title>{title}</Title>
      {children && <div className={styles["text"]}>{children}</div>}
      {actions && <div className={styles["actions"]}>{actions}</div>}
    </section>
  );
}

/** What happened, in words, with its code and the way out. */
export function ErrorNotice({
  title,
  error,
  actions,
}: {
  title: string;
  error: unknown;
  actions?: ReactNode;
}) {
  const { code, message, fix } = describeError(error);
  return (
    <Notice title={title} tone="failed" actions={actions} testId="error-notice">
      <p>{message}</p>
      {fix && <p>{fix}</p>}
      <p className={styles["code"]}>{code}</p>
    </Notice>
  );
}
