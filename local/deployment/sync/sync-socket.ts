/** All that a session sees of its socket. */
export interface SyncSocket {
  send(text: string): void;
  /** Resolves when the client has taken what was sent, or the socket is gone. */
  writable(): Promise<void>;
  /** Frames already sent still go out. */
  close(code: number, reason: string): void;
}
