/** What the widget keeps in the browser between pages. A browser that keeps nothing still chats. */

import type {Session} from "./chat";
import type {Told} from "./chat-state";

interface Kept {
  session: Session | null;
  visitor: string | null;
  open: boolean;
  /** What was asked and answered in this session. */
  told: readonly Told[];
}

const NOTHING: Kept = {session: null, visitor: null, open: false, told: []};

export class Memory {
  readonly #key: string;
  #kept: Kept;

  constructor(entry_point_id: string) {
    this.#key = `trunkline.chat.${entry_point_id}`;
    this.#kept = read(this.#key);
  }

  session(): Session | null {
    return this.#kept.session;
  }

  visitor(): string | null {
    return this.#kept.visitor;
  }

  told(): readonly Told[] {
    return this.#kept.told;
  }

  wasOpen(): boolean {
    return this.#kept.open;
  }

  keep(session: Session): void {
    this.#write({session, visitor: session.visitor});
  }

  endSession(): void {
    this.#write({session: null, told: []});
  }

  keepTold(told: readonly Told[]): void {
    this.#write({told});
  }

  rememberOpen(open: boolean): void {
    this.#write({open});
  }

  #write(change: Partial<Kept>): void {
    this.#kept = {...this.#kept, ...change};
    try {
      localStorage.setItem(this.#key, JSON.stringify(this.#kept));
    } catch {
      // Kept for this page only.
    }
  }
}

function read(key: string): Kept {
  try {
    return {...NOTHING, ...(JSON.parse(localStorage.getItem(key) ?? "{}") as Partial<Kept>)};
  } catch {
    return NOTHING;
  }
}
