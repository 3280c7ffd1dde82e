import { expect, it } from "vitest";
import { CallOrder } from "../../../runtime/webgpu/order.ts";

it("does tasks in the order of their calls, at once where nothing waits", async () => {
  const order = new CallOrder();
  const done: number[] = [];
  order.add(null, () => done.push(0));
  expect(done).toEqual([0]);
  let open = (): void => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  order.add(gate, () => done.push(1));
  order.add(null, () => done.push(2));
  order.add(Promise.resolve(), () => done.push(3));
  await Promise.resolve();
  expect(done).toEqual([0]);
  open();
  await new Promise<void>((resolve) => {
    order.add(null, () => resolve());
  });
  expect(done).toEqual([0, 1, 2, 3]);
  order.add(null, () => done.push(4));
  expect(done).toEqual([0, 1, 2, 3, 4]);
});

it("lets what comes after wait for a task that goes on", async () => {
  const order = new CallOrder();
  const done: string[] = [];
  let end = (): void => {};
  const going = new Promise<void>((resolve) => {
    end = resolve;
  });
  order.add(null, () => {
    done.push("begun");
    return going;
  });
  order.add(null, () => done.push("after"));
  expect(done).toEqual(["begun"]);
  end();
  await new Promise<void>((resolve) => {
    order.add(null, () => {
      done.push("last");
      resolve();
    });
  });
  expect(done).toEqual(["begun", "after", "last"]);
  order.add(null, () => done.push("at once"));
  expect(done.at(-1)).toBe("at once");
});
