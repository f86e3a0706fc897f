// Stands before Streamlit's uploader: pastes pictures into it, keeps from it what the server would refuse, and hands
// files in again when the uploader lost them. Without this script the server's own limits still hold.
//
// The uploader shows a refusal only until its next change and uploads everything first; here each refused file is named
// to the server, and the others go on.

const LOOK_AGAIN_MS = 3000;
const TRIES = 4;

let current; // what Python last said: the uploader's key, the limits
let report; // how to tell Python
let injecting = false;
let wantsFocus = false;
let refused = [];

const uploader = () => document.querySelector(`[class*="st-key-${current.uploader}"]`);
const input = () => uploader()?.querySelector("input[type=file]");

function inject(files, tries = TRIES) {
  const field = input();
  if (!field || !files.length) return;
  injecting = true;
  field.files = files;
  field.dispatchEvent(new Event("change", { bubbles: true }));
  injecting = false;
  watch(files, tries);
}

// Streamlit 1.67 drops its answer to the uploader when a run of the page starts at that moment; nothing is then sent,
// and the uploader stays as it was. Taken files show as chips, and lead to an uploader with another key.
function watch(files, tries) {
  const key = current.uploader;
  setTimeout(() => {
    const taken = current.uploader !== key || uploader()?.querySelector('[data-testid="stFileChip"]');
    if (!taken && tries > 1) inject(files, tries - 1);
  }, LOOK_AGAIN_MS);
}

function sift(files) {
  const taken = new DataTransfer();
  for (const file of files) {
    const name = file.name.slice(0, 300);
    if (file.size > current.maxBytes) refused.push({ name, why: "size", size: file.size });
    else if (taken.items.length >= current.room) refused.push({ name, why: "count", size: file.size });
    else taken.items.add(file);
  }
  if (!taken.items.length) tellRefused();
  return taken.files;
}

// Said when the others have arrived: a run of the page in between is what makes Streamlit lose them.
function tellRefused() {
  if (!refused.length) return;
  report("refused", { files: refused.slice(0, 20), count: refused.length });
  refused = [];
}

function take(event, files) {
  if (injecting || !files?.length) return;
  wantsFocus = true;
  event.preventDefault();
  event.stopImmediatePropagation();
  inject(sift([...files]));
}

function onPaste(event) {
  const pictures = [...(event.clipboardData?.files ?? [])].filter((file) => file.type.startsWith("image/"));
  if (pictures.length) take(event, pictures);
}

function onChange(event) {
  if (event.target === input()) take(event, event.target.files);
}

function onDrop(event) {
  if (!(event.target instanceof Element) || !uploader()?.contains(event.target)) return;
  const folder = [...(event.dataTransfer?.items ?? [])].some((item) => item.webkitGetAsEntry?.()?.isDirectory);
  if (folder) return;
  take(event, event.dataTransfer?.files);
  // The uploader does not hear of the drop, so it is told that nothing hovers over it any more.
  event.target.dispatchEvent(new DragEvent("dragleave", { bubbles: true, dataTransfer: event.dataTransfer }));
}

export default function (component) {
  const replaced = current && current.uploader !== component.data.uploader;
  current = component.data;
  report = component.setTriggerValue;
  if (replaced) setTimeout(tellRefused);

  const field = input();
  if (field) field.accept = "image/*";
  if (wantsFocus && replaced && document.activeElement === document.body) {
    uploader()?.querySelector("button")?.focus({ preventScroll: true });
    wantsFocus = false;
  }

  document.addEventListener("paste", onPaste);
  document.addEventListener("change", onChange, true);
  document.addEventListener("drop", onDrop, true);
  return () => {
    document.removeEventListener("paste", onPaste);
    document.removeEventListener("change", onChange, true);
    document.removeEventListener("drop", onDrop, true);
  };
}
