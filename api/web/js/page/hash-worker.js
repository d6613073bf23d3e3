// Digests of files, off the page's own thread. Only digests leave this worker, and nothing leaves the page from here.

import { digestFile, loadHashes } from "../lib/hashes.js";

onmessage = async ({ data: file }) => {
  try {
    await loadHashes();
    let last = 0;
    const found = await digestFile(file, (done, all) => {
      const percent = Math.floor((done / all) * 100);
      if (percent !== last) postMessage({ percent: (last = percent) });
    });
    postMessage({ found });
  } catch {
    postMessage({ failed: true });
  }
};
