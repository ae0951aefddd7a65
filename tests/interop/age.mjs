// The age implementation in TypeScript, at the command line: what tests/interop compares ours with.
//   node age.mjs keys hybrid|x25519    an identity and its recipient, a line each
//   node age.mjs seal RECIPIENT...     standard input to standard output
//   node age.mjs open IDENTITY         standard input to standard output

import { readFileSync, writeSync } from "node:fs";
import {
  Decrypter,
  Encrypter,
  generateHybridIdentity,
  generateX25519Identity,
  identityToRecipient,
} from "age-encryption";

const [command, ...keys] = process.argv.slice(2);

function writeWhole(data) {
  for (let at = 0; at < data.length; ) at += writeSync(1, data, at);
}

if (command === "keys") {
  const identity = keys[0] === "hybrid" ? await generateHybridIdentity() : await generateX25519Identity();
  console.log(`${identity}\n${await identityToRecipient(identity)}`);
} else if (command === "seal") {
  const encrypter = new Encrypter();
  for (const recipient of keys) encrypter.addRecipient(recipient);
  writeWhole(await encrypter.encrypt(new Uint8Array(readFileSync(0))));
} else if (command === "open") {
  const decrypter = new Decrypter();
  decrypter.addIdentity(keys[0]);
  writeWhole(await decrypter.decrypt(new Uint8Array(readFileSync(0))));
} else {
  throw new Error("usage: node age.mjs keys|seal|open ...");
}
