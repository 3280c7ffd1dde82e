/** The end of a device: that it is lost, and why, may be heard of after the first work was refused because of it. */
import { DeviceError } from "../../compiler/ir/errors.ts";

/** How long a refused operation waits for the news that the device is lost. */
const newsMs = 50;

export class Loss {
  /** Resolves with the reason. */
  readonly told: Promise<string>;
  /** Null while the device lives. */
  why: string | null = null;

  constructor(lost: Promise<GPUDeviceLostInfo>) {
    this.told = lost.then(({ reason, message }) => this.declare(reason === "destroyed" ? "it was destroyed" : message));
  }

  /** The first reason counts. */
  declare(why: string): string {
    this.why ??= why;
    return this.why;
  }

  /** The error of an operation, said in words, on a lost device; null while it lives. */
  errorOf(what: string): DeviceError | null {
    if (this.why === null) return null;
    return new DeviceError(`webgpu: ${what}: the device is lost: ${this.why}. recover() makes a new one; data that only it held is gone.`);
  }

  requireAlive(what: string): void {
    const error = this.errorOf(what);
    if (error !== null) throw error;
  }

  /** Something was refused: whether that is because the device is lost. */
  async news(what: string): Promise<DeviceError | null> {
    if (this.why === null) await Promise.race([this.told, new Promise((resolve) => setTimeout(resolve, newsMs))]);
    return this.errorOf(what);
  }

  /** What is to blame for a refusal: the loss, or what was refused with. */
  async blame(what: string, error: unknown): Promise<Error> {
    return (await this.news(what)) ?? (error instanceof Error ? error : new DeviceError(`webgpu: ${what}: ${String(error)}`));
  }
}
