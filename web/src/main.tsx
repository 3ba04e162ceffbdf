import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App.tsx";
import { SignIn } from "./auth/sign-in.ts";
import { ConfigError, loadConfig } from "./config.ts";
import { ConfigFaultPage } from "./shell/ConfigFaultPage.tsx";
import "./styles/index.css";

const root = createRoot(document.getElementById("root")!);

try {
  const config = await loadConfig();
  root.render(
    <StrictMode>
      <App config={config} signIn={new SignIn(config)} />
    </StrictMode>,
  );
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  root.render(<ConfigFaultPage faults={error.faults} />);
}
