import { Button } from "@mantine/core";
import { Component, type ReactNode } from "react";
import { ErrorNotice } from "./Notice.tsx";

interface Props {
  children: ReactNode;
  /** Another value starts afresh: the page the viewer went on to is not the one that failed. */
  resetKey: string;
}

interface State {
  error: unknown;
  failedAt: string | undefined;
}

export class ErrorBoundary extends Component<Props, State> {
  override state: State = { error: undefined, failedAt: undefined };

  static getDerivedStateFromError(error: unknown): Pick<State, "error"> {
    return { error };
  }

  static getDerivedStateFromProps(props: Props, state: State): State | null {
    if (state.error === undefined) return { error: undefined, failedAt: props.resetKey };
    return state.failedAt === props.resetKey ? null : { error: undefined, failedAt: props.resetKey };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    return (
      <ErrorNotice
        title="This page could not be shown"
        error={error}
        actions={<Button onClick={() => this.setState({ error: undefined })}>Try again</Button>}
      />
    );
  }
}
