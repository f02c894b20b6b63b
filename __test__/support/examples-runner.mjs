// Imports modules one after the other, in a process of its own, and tells what each printed.
import { format } from 'node:util';

for (const path of process.argv.slice(2)) {
  /** @type {string[]} */
  const printed = [];
  console.log = (...values) => void printed.push(format(...values));
  let error;
  try {
    await import(path);
  } catch (cause) {
    error = format(cause);
  }
  process.send?.({ path, printed, error });
}
process.disconnect();
