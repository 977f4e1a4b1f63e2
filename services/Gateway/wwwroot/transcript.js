// The log: the views of the conversation's turns, in order.

import { followEnd } from "./following.js";
import { createTurnView } from "./turn.js";

/** `actionsOf` gives the actions of a turn's buttons. */
export function createTranscript(log, scroller, actionsOf) {
  const views = new Map();
  const following = followEnd(scroller, log);

  function viewOf(turn) {
    let view = views.get(turn);
    if (!view) {
      view = createTurnView(turn, actionsOf(turn));
      views.set(turn, view);
    }
    return view;
  }

  return {
    viewOf,
    /** Makes the log show exactly these turns; what stands there already is not touched. */
    show(turns) {
      for (const turn of [...views.keys()].filter((turn) => !turns.includes(turn))) {
        views.get(turn).remove();
        views.delete(turn);
      }
      for (const turn of turns) {
        const { articles } = viewOf(turn);
        if (!articles[0].isConnected)
          log.append(...articles);
      }
    },
    setBusy: (busy) => log.setAttribute("aria-busy", String(busy)),
    /** Goes to the end and stays there. */
    follow: following.start,
  };
}
