import { describe, expect, it } from "vitest";

import { Answers, type Answer, type Shelf } from "./answers";

function shelf(): Shelf {
  const kept = new Map<string, string>();
  return { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value) };
}

const answer = (routeId: string, said: Answer["answer"] = "accepted"): Answer => ({ day: "2026-03-04", routeId, answer: said, reason: "", seen: "v-1" });

describe("answers to changed routes", () => {
  it("hh_13 wait on the phone until the server has them, in their order", async () => {
    const kept = shelf();
    const answers = new Answers(kept, "u-1");
    answers.give(answer("r-1"));
    answers.give(answer("r-2", "refused"));
    const sent: string[] = [];
    await answers.flush(() => Promise.resolve(false));
    expect(answers.waiting).toBe(2);
    await new Answers(kept, "u-1").flush((one) => Promise.resolve(sent.push(one.routeId) > 0));
    expect(sent).toEqual(["r-1", "r-2"]);
    expect(answers.waiting).toBe(0);
  });

  it("hh_13 are not asked for again once a route was refused", () => {
    const answers = new Answers(shelf(), "u-1");
    answers.give(answer("r-1", "refused"));
    expect([answers.isRefused("r-1"), answers.isRefused("r-2")]).toEqual([true, false]);
  });

  it("hh_10 of one person are not another's", () => {
    const kept = shelf();
    new Answers(kept, "u-1").give(answer("r-1"));
    expect(new Answers(kept, "u-2").waiting).toBe(0);
  });

  it("start anew when the phone's store was spoilt", () => {
    const kept = shelf();
    kept.setItem("cunda.answers.u-1", "{");
    expect(new Answers(kept, "u-1").waiting).toBe(0);
  });
});
