/** Someone who may sign in, as configured. */
export interface Person {
  subject: string;
  name: string;
  email: string;
  /** Shown under the name, for instance the role. */
  note?: string;
}
