import { Delayed } from "../ui/Delayed.tsx";
import { Mark } from "./Mark.tsx";
import styles from "./StartingPage.module.css";

/** While it is being found out who is here. */
export function StartingPage() {
  return (
    <main className={styles["page"]} aria-busy="true" aria-label="Starting">
      <Delayed>
        <Mark size={40} />
      </Delayed>
    </main>
  );
}
