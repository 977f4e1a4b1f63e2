// Keeps the end of the conversation in view while the reader is there, and leaves a reader who has scrolled up alone.

/** Heights are rounded, so the end is reached a little before it. */
const slackPixels = 2;

export function followEnd(scroller, content) {
  let following = true;
  let top = 0;

  function toEnd() {
    scroller.scrollTop = scroller.scrollHeight;
    top = scroller.scrollTop;
  }

  scroller.addEventListener("scroll", () => {
    if (scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight <= slackPixels)
      following = true;
    else if (scroller.scrollTop < top)
      following = false;
    top = scroller.scrollTop;
  });
  // A wheel turned up is meant from its first pixel on, which the slack would swallow.
  scroller.addEventListener("wheel", (event) => {
    if (event.deltaY < 0 && scroller.scrollTop > 0)
      following = false;
  }, { passive: true });

  const observer = new ResizeObserver(() => {
    if (following)
      toEnd();
  });
  observer.observe(scroller);
  observer.observe(content);

  return {
    /** What the reader has just done belongs at the end. */
    start() {
      following = true;
      toEnd();
    },
  };
}
