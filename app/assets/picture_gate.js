// Stands before Streamlit's uploader: pastes pictures into it, and keeps from it what the server would refuse.
//
// The uploader shows a refusal only until its next change and uploads everything first; here each refused file is named
// to the server at once, and the others go on. Without this script the server's own limits still hold.

let injecting = false;
let wantsFocus = false;

export default function (component) {
  const { data, setTriggerValue } = component;
  const uploader = () => document.querySelector(`[class*="st-key-${data.uploader}"]`);
  const input = () => uploader()?.querySelector("input[type=file]");
  const inUploader = (target) => target instanceof Element && uploader()?.contains(target);

  const accept = (files) => {
    const refused = [];
    const taken = new DataTransfer();
    for (const file of files) {
      if (file.size > data.maxBytes) refused.push({ name: file.name.slice(0, 300), why: "size", size: file.size });
      else if (taken.items.length >= data.room) refused.push({ name: file.name.slice(0, 300), why: "count" });
      else taken.items.add(file);
    }
    if (refused.length) {
      setTriggerValue("refused", { files: refused.slice(0, 20), count: refused.length });
    }
    return taken;
  };

  const inject = (files) => {
    const field = input();
    if (!field || !files.length) return;
    injecting = true;
    field.files = files;
    field.dispatchEvent(new Event("change", { bubbles: true }));
    injecting = false;
  };

  const sift = (event, files) => {
    wantsFocus = true;
    if (injecting || !files?.length) return;
    const fits = files.length <= data.room && [...files].every((file) => file.size <= data.maxBytes);
    if (fits) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    inject(accept(files).files);
  };

  const onPaste = (event) => {
    const pictures = [...(event.clipboardData?.files ?? [])].filter((file) => file.type.startsWith("image/"));
    if (!pictures.length) return;
    event.preventDefault();
    inject(accept(pictures).files);
  };
  const onChange = (event) => {
    if (event.target === input()) sift(event, event.target.files);
  };
  const onDrop = (event) => {
    if (!inUploader(event.target)) return;
    const folder = [...(event.dataTransfer?.items ?? [])].some((item) => item.webkitGetAsEntry?.()?.isDirectory);
    if (!folder) sift(event, event.dataTransfer?.files);
  };

  const field = input();
  if (field) field.accept = "image/*";
  if (wantsFocus && document.activeElement === document.body) {
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
