// QR codes from a picture or the camera. What they hold is read, never opened: `…#i=<number>&k=<code>`.

/** Number, code and host of what a QR code holds; null for anything else. */
export function parsePayload(text) {
  let address;
  try {
    address = new URL(text);
  } catch {
    return null;
  }
  if (!["https:", "http:"].includes(address.protocol)) return null;
  const found = parseFragment(address.hash);
  return found ? { ...found, host: address.host } : null;
}

/** `#i=<number>&k=<code>`; browsers send no fragment to a server, so neither stands in anybody's log. */
export function parseFragment(hash) {
  const fields = new URLSearchParams(hash.replace(/^#/, "").replaceAll("+", "%2B"));
  const number = fields.get("i");
  return number && number.length <= 256 ? { number, code: (fields.get("k") ?? "").slice(0, 64) } : null;
}

let reader = null;

/** `read(blob or ImageData)` → the text of the first QR code, or null. */
function loadReader() {
  reader ??= (async () => {
    const native = await nativeReader();
    if (native) return native;
    const base = new URL("../../vendor/", import.meta.url);
    await loadScript(new URL("zxing.js", base));
    const { prepareZXingModule, readBarcodes } = globalThis.ZXingWASM;
    prepareZXingModule({ overrides: { locateFile: (name) => new URL(name, base).href } });
    return async (source) => (await readBarcodes(source, { formats: ["QRCode"], tryHarder: true }))[0]?.text || null;
  })();
  return reader;
}

async function nativeReader() {
  if (!("BarcodeDetector" in globalThis)) return null;
  const formats = await BarcodeDetector.getSupportedFormats().catch(() => []);
  if (!formats.includes("qr_code")) return null;
  const detector = new BarcodeDetector({ formats: ["qr_code"] });
  return async (source) => {
    const image = await createImageBitmap(source);
    return (await detector.detect(image))[0]?.rawValue ?? null;
  };
}

function loadScript(address) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address.href;
    script.onload = resolve;
    script.onerror = reject;
    document.head.append(script);
  });
}

export async function readPicture(file) {
  const read = await loadReader();
  return read(file);
}

/** Reads from the camera until a code is seen or `stopped()`; the pictures stay in the page. */
export async function readCamera(video, stopped) {
  const read = await loadReader();
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
  try {
    video.srcObject = stream;
    await video.play();
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("2d", { willReadFrequently: true });
    while (!stopped()) {
      canvas.width = video.videoWidth;
      canvas.height = video.videoHeight;
      if (canvas.width && canvas.height) {
        context.drawImage(video, 0, 0);
        const text = await read(context.getImageData(0, 0, canvas.width, canvas.height)).catch(() => null);
        if (text) return text;
      }
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    return null;
  } finally {
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  }
}
