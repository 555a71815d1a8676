/**
 * Waiting for a device without taking a core. Comes in: a device of Dawn's binding for Node. Goes out: the same device; whoever waits for a
 * pipeline, for submitted work or for a buffer to be mapped leaves the processor to the device's own threads.
 *
 *     while anything is waited for, the binding asks the device in every turn of Node's event loop, as fast as the loop turns
 *
 * On a software adapter that is a core that the device lacks, and a heap that it shares: on two cores pipelines take 2.5 to 3 times as long to build, and
 * steps 1.6 times as long. So a turn sleeps a while, which grows with how long nothing has ended: short waits are answered at once,
 * long ones a fiftieth late, by a millisecond at most. Where the last few took long, such as the steps of a training, most of the next is slept
 * through. Timers and files are served between the turns as before.
 */

/** Of the time in which nothing has ended, the share that a turn sleeps. */
const share = 0.02;
/** Milliseconds: fewer are no sleep, since the system takes as long to wake up; more would be felt by others who use the event loop. */
const least = 0.05;
const most = 1;
/** The next wait is taken to be as long as the shortest of the last few, and so much of it is slept through. */
const remembered = 4;
const early = 0.9;
/** Milliseconds: waits that are shorter are too short to sleep in. */
const shortest = least / share;

/** The device, resting while it is waited for. */
export function restful(device: GPUDevice): GPUDevice {
  const rest = new Rest();
  // Looked up at each call, since others may watch what a class of objects does.
  const shadow = <T extends object, Name extends keyof T & string>(object: T, name: Name, around: (call: T[Name]) => T[Name]): void => {
    const original = (...args: unknown[]): unknown => ((Object.getPrototypeOf(object) as T)[name] as (...args: unknown[]) => unknown).apply(object, args);
    Object.defineProperty(object, name, { value: around(original as T[Name]), configurable: true, writable: true });
  };
  shadow(device, "createComputePipelineAsync", (call) => (descriptor) => rest.until(call(descriptor)));
  shadow(device.queue, "onSubmittedWorkDone", (call) => () => rest.until(call()));
  shadow(device, "createBuffer", (call) => (descriptor) => {
    const buffer = call(descriptor);
    if ((descriptor.usage & GPUBufferUsage.MAP_READ) !== 0) shadow(buffer, "mapAsync", (map) => (...args) => rest.until(map(...args)));
    return buffer;
  });
  return device;
}

/** Sleeps in the turns of the event loop while something is waited for. */
export class Rest {
  private readonly never = new Int32Array(new SharedArrayBuffer(4));
  private waiting = 0;
  private turning = false;
  /** When something began or ended last. */
  private since = 0;
  /** Turns so far, and the last in which something ended: what ends in one turn ends together. */
  private turns = 0;
  private endedIn = 0;
  /** Milliseconds that passed before each of the last ends. */
  private readonly waits: number[] = [];

  /** The same promise, settled as it is. */
  async until<T>(promise: Promise<T>): Promise<T> {
    if (this.waiting === 0) this.since = performance.now();
    this.waiting++;
    if (!this.turning) {
      this.turning = true;
      setImmediate(this.turn);
    }
    try {
      return await promise;
    } finally {
      const now = performance.now();
      if (this.turns !== this.endedIn) this.waits.push(now - this.since);
      if (this.waits.length > remembered) this.waits.shift();
      this.endedIn = this.turns;
      this.since = now;
      this.waiting--;
    }
  }

  /** Milliseconds that the wait takes; 0 where nothing is known of it, or it is short. */
  private expected(): number {
    const { waits } = this;
    const soonest = waits.length < remembered ? 0 : Math.min(...waits);
    return soonest < shortest ? 0 : soonest;
  }

  private readonly turn = (): void => {
    if (this.waiting === 0) {
      this.turning = false;
      return;
    }
    this.turns++;
    const passed = performance.now() - this.since;
    const sleep = Math.min(most, Math.max(passed * share, this.expected() * early - passed));
    if (sleep >= least) Atomics.wait(this.never, 0, 0, sleep);
    setImmediate(this.turn);
  };
}
