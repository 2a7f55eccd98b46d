/** What the courier said to changed routes: kept on the phone until the server has it, for a valley has no signal. */

export interface Answer {
  day: string;
  routeId: string;
  answer: "accepted" | "refused";
  reason: string;
  /** Version the courier knew before the change. */
  seen: string | null;
}

/** Hands one answer over; true when the server has it, or will never want it. */
export type Post = (answer: Answer) => Promise<boolean>;

/** The part of `localStorage` that answers need. */
export type Shelf = Pick<Storage, "getItem" | "setItem">;

interface Kept {
  waiting: Answer[];
  /** Routes that were refused and are not asked about again. */
  refused: string[];
}

const MOST_REFUSED = 20;

export class Answers {
  private readonly key: string;

  constructor(
    private readonly shelf: Shelf,
    actor: string,
  ) {
    this.key = `cunda.answers.${actor}`;
  }

  /** Note an answer; it is on the phone when this returns. */
  give(answer: Answer): void {
    const kept = this.read();
    const waiting = [...kept.waiting.filter((one) => one.routeId !== answer.routeId), answer];
    const refused = answer.answer === "refused" ? [...kept.refused, answer.routeId].slice(-MOST_REFUSED) : kept.refused;
    this.write({ waiting, refused });
  }

  isRefused(routeId: string): boolean {
    return this.read().refused.includes(routeId);
  }

  get waiting(): number {
    return this.read().waiting.length;
  }

  /** Send what waits, oldest first; what the server has is forgotten, the rest stays for later. */
  async flush(post: Post): Promise<void> {
    for (const answer of this.read().waiting) {
      if (!(await post(answer))) return;
      const kept = this.read();
      this.write({ ...kept, waiting: kept.waiting.filter((one) => one.routeId !== answer.routeId || one.answer !== answer.answer) });
    }
  }

  private read(): Kept {
    try {
      const found = JSON.parse(this.shelf.getItem(this.key) ?? "null") as Partial<Kept> | null;
      return { waiting: found?.waiting ?? [], refused: found?.refused ?? [] };
    } catch {
      return { waiting: [], refused: [] };
    }
  }

  private write(kept: Kept): void {
    this.shelf.setItem(this.key, JSON.stringify(kept));
  }
}
