/** Shown when there is nothing to start the app with. Uses no component library: nothing else may be loaded yet. */
import styles from "./ConfigFaultPage.module.css";
import { Mark } from "./Mark.tsx";

const EXAMPLE = `{
  "convexUrl": "https://your-deployment.convex.cloud",
  "oidc": {
    "authority": "https://issuer.example",
    "clientId": "reelsync-web"
  }
}`;

export function ConfigFaultPage({ faults }: { faults: string[] }) {
  return (
    <main className={styles["page"]} data-testid="config-fault">
      <Mark size={40} />
      <h1>Reelsync is not configured</h1>
      <p>The app asks its own server for /config.json before it starts, and cannot use what it found:</p>
      <ul>
        {faults.map((fault) => (
          <li key={fault}>{fault}</li>
        ))}
      </ul>
      <p>
        Put this file beside index.html, or, with the development or preview server, set
        REELSYNC_WEB_CONVEX_URL, REELSYNC_WEB_OIDC_AUTHORITY and REELSYNC_WEB_OIDC_CLIENT_ID:
      </p>
      <pre>{EXAMPLE}</pre>
      <button type="button" onClick={() => location.reload()}>
        Try again
      </button>
    </main>
  );
}
