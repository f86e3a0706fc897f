// Tells Python when the table stands on the screen, so that what takes a browser long to load comes after it.

const LOOK_AGAIN_MS = 100;
const LATEST_MS = 4000;

export default function (component) {
  const ends = performance.now() + LATEST_MS;
  let timer;
  const tell = () => component.setTriggerValue("stands", true);
  const look = () => {
    const stands = document.querySelector('[data-testid="stDataFrame"] [data-testid^="glide-cell-"]');
    if (!stands && performance.now() < ends) timer = setTimeout(look, LOOK_AGAIN_MS);
    else timer = setTimeout(tell, LOOK_AGAIN_MS); // it is painted first
  };
  timer = setTimeout(look, LOOK_AGAIN_MS);
  return () => clearTimeout(timer);
}
