/** A page that complains and then fails, for the harness's own test. */
export default async function page(): Promise<never> {
  console.error("before the end");
  throw new Error("the page gave up");
}
