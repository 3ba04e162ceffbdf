/** The pages a person sees. They work without scripts, by keyboard, from 320 px up, in light and dark. */
import { html } from "hono/html";
import type { Person } from "./person.ts";

type Html = ReturnType<typeof html>;

export const STYLE = `
:root { color-scheme: light dark;
  --page: #f4f5f7; --card: #fff; --text: #16181d; --muted: #565c69; --line: #d5d9e0; --accent: #3d4fd6; --hover: #eef0fe; }
@media (prefers-color-scheme: dark) { :root {
  --page: #101216; --card: #1a1d23; --text: #f0f2f5; --muted: #a4acba; --line: #343a45; --accent: #9ba8ff; --hover: #23283a; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem; background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { width: 100%; max-width: 26rem; padding: 1.75rem; background: var(--card); border: 1px solid var(--line); border-radius: 1rem; }
h1 { margin: 0 0 .25rem; font-size: 1.4rem; line-height: 1.25; letter-spacing: -.01em; }
p { margin: 0; color: var(--muted); overflow-wrap: anywhere; }
ul { list-style: none; margin: 1.25rem 0; padding: 0; display: grid; gap: .6rem; }
button { width: 100%; min-height: 3.5rem; display: flex; align-items: center; gap: .85rem; padding: .7rem .85rem; cursor: pointer;
  text-align: start; font: inherit; color: inherit; background: none; border: 1px solid var(--line); border-radius: .75rem; }
button:hover { background: var(--hover); border-color: var(--accent); }
button:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.initials { flex: none; width: 2.5rem; height: 2.5rem; display: grid; place-items: center; border-radius: 50%;
  background: var(--hover); color: var(--accent); font-weight: 600; }
.person { min-width: 0; } .person > span { display: block; overflow-wrap: anywhere; }
.name { font-weight: 600; } .detail { color: var(--muted); font-size: .875rem; line-height: 1.4; }
.foot { font-size: .8125rem; border-top: 1px solid var(--line); padding-top: 1rem; }
`;

/** `carried` are the parameters of the authorization request, which the choice is posted with. */
export function signInPage(
  people: readonly Person[],
  clientId: string,
  carried: Record<string, string>,
  loginHint: string | undefined,
): Html {
  const hidden = Object.entries(carried).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`,
  );
  const choices = people.map(
    (person) =>
      html`<li>
        <button name="subject" value="${person.subject}" ${isHinted(person, loginHint) ? "autofocus" : ""}>
          <span class="initials" aria-hidden="true">${initials(person.name)}</span>
          <span class="person">
            <span class="name">${person.name}</span>
            <span class="detail">${person.email}</span>
            ${person.note === undefined ? "" : html`<span class="detail">${person.note}</span>`}
          </span>
        </button>
      </li>`,
  );
  return document(
    "Sign in",
    html`<h1>Sign in</h1>
      <p>Choose who you are for <strong>${clientId}</strong>.</p>
      <form method="post" action="/authorize">
        ${hidden}
        <ul>
          ${choices}
        </ul>
      </form>
      <p class="foot">Development sign-in of this machine: no passwords, not for production.</p>`,
  );
}

export function messagePage(title: string, message: string): Html {
  return document(
    title,
    html`<h1>${title}</h1>
      <p>${message}</p>`,
  );
}

function document(title: string, content: Html): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <link rel="stylesheet" href="/style.css" />
      </head>
      <body>
        <main>${content}</main>
      </body>
    </html>`;
}

function isHinted(person: Person, loginHint: string | undefined): boolean {
  return loginHint === person.subject || loginHint === person.email;
}

function initials(name: string): string {
  const words = name.split(/\s+/).filter((word) => word !== "");
  return [words[0], words.length > 1 ? words.at(-1) : undefined]
    .map((word) => /^./u.exec(word ?? "")?.[0].toUpperCase() ?? "")
    .join("");
}
