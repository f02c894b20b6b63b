// The front door: `npm start`, `npm test` and the other scripts of package.json all come through here.
//
// This file and what it imports statically must parse on any Node since 12, so that an old one is
// told so in one line instead of meeting a syntax error. Everything else is imported after that.
import { nodeComplaint } from './versions.mjs';

const [mode, ...args] = process.argv.slice(2);
const complaint = nodeComplaint(process.versions.node);
if (complaint) {
  process.stderr.write(complaint + '\n');
  process.exit(1);
}

import('./modes.mjs')
  .then((modes) => modes.enter(mode, args))
  .catch((error) => {
    // A refusal is meant for the reader; anything else is our bug, and its stack says where.
    process.stderr.write((error.refusal ? error.message : error.stack) + '\n');
    process.exit(error.exitCode || 1);
  });
