import { useEffect, useState, type ReactNode } from "react";

const PATIENCE_MS = 200;

/** Shows its children only when the wait gets noticeable, so that quick answers do not flicker. */
export function Delayed({ children }: { children: ReactNode }) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, []);
  return <div style={{ visibility: late ? "visible" : "hidden" }}>{children}</div>;
}
