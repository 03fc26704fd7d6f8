"""All rows of a trace on the page, thinned again in the browser for the part that is looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from bokeh.models import CustomJS
from jaxtyping import Float, UInt16, UInt32

from dlkit.report.page.traces import MOST, Trace

MISSING = 65_535
UNITS = (1.0, 10.0, 100.0, 1e3, 60e3, 3_600e3)  # ms
COUNTED = 2**32 - 1

# In each part of the rows that are seen the smallest and the largest value of every line, the ends of each stretch, and
# a row without a value between two stretches, as `kept_rows` and `Trace.thinned` do it for the first view.
CODE = """
const seek = value => { let a = 0, b = at.length; while (a < b) { const m = (a + b) >> 1; if (at[m] < value) a = m + 1; else b = m; } return a; };
const show = () => {
  const lo = Math.max(0, seek((range.start - origin) / unit) - 1), hi = Math.min(at.length, seek((range.end - origin) / unit) + 1);
  const count = hi - lo;
  if (count < 1) return;
  for (const {source, columns} of panels) {
    const mark = new Uint8Array(count), width = Math.ceil(2 * count * columns.length / most);
    if (width <= 2) mark.fill(1);
    else for (const {codes} of columns) for (let a = lo; a < hi; a += width) {
      let low = -1, high = -1;
      for (let k = a, b = Math.min(a + width, hi); k < b; k++) {
        const code = codes[k];
        if (code === missing) continue;
        if (low < 0 || code < codes[low]) low = k;
        if (high < 0 || code > codes[high]) high = k;
      }
      mark[(low < 0 ? a : low) - lo] = 1; mark[(high < 0 ? a : high) - lo] = 1;
    }
    mark[0] = 1; mark[count - 1] = 1;
    for (const s of starts) if (s > lo && s < hi) { mark[s - lo] = 1; mark[s - 1 - lo] = 1; }
    let stretch = 0;
    while (stretch + 1 < starts.length && starts[stretch + 1] <= lo) stretch++;
    const x = [], when = [], values = columns.map(() => []);
    for (let k = lo; k < hi; k++) {
      if (!mark[k - lo]) continue;
      const next = stretch + 1 < starts.length && starts[stretch + 1] <= k;
      if (next && x.length) { x.push(x[x.length - 1]); when.push(NaN); values.forEach(one => one.push(NaN)); }
      while (stretch + 1 < starts.length && starts[stretch + 1] <= k) stretch++;
      const place = origin + at[k] * unit;
      x.push(place); when.push(place + shifts[stretch]);
      columns.forEach(({codes, low, step}, c) => values[c].push(codes[k] === missing ? NaN : low + codes[k] * step));
    }
    const data = {x: Float64Array.from(x), when: Float64Array.from(when)};
    values.forEach((one, c) => { data["c" + c] = Float32Array.from(one); });
    source.data = data;
  }
};
const waiting = (window.dlkitWaiting ??= new Map());
clearTimeout(waiting.get(range));
waiting.set(range, setTimeout(show, 60));
"""  # noqa: E501


@dataclass(frozen=True, eq=False)
class Codes:
    """Values in 16 bits: ``low + step * codes``, and 65,535 where there is none.

    Attributes:
        codes: (rows,).
        low: Smallest value.
        step: The half of it is the largest error.
    """

    codes: UInt16[np.ndarray, " rows"]
    low: float
    step: float


def packed(values: Float[np.ndarray, " rows"]) -> Codes:
    """Return values in 16 bits; the largest error is 1/131,068 of their range."""
    known = np.isfinite(values)
    low, high = (float(values[known].min()), float(values[known].max())) if known.any() else (0.0, 0.0)
    step = (high - low) / (MISSING - 1) or 1.0
    codes = np.round((np.where(known, values, low).astype(np.float64) - low) / step)
    return Codes(np.where(known, codes, MISSING).astype(np.uint16), low, step)


@dataclass(frozen=True, eq=False)
class Ticks:
    """Places in 32 bits: ``origin + unit * at``.

    Attributes:
        at: (rows,).
        origin: The first place in ms.
        unit: Whole ms where all places are, else so that the rounding is 1e-10 of the axis.
    """

    at: UInt32[np.ndarray, " rows"]
    origin: float
    unit: float


def ticked(place: Float[np.ndarray, " rows"]) -> Ticks:
    """Return rising places in 32 bits."""
    origin = float(place[0])
    span = place - origin
    exact = (one for one in UNITS[::-1] if float(span[-1]) / one < COUNTED and bool((span % one == 0).all()))
    unit = next(exact, float(span[-1]) / COUNTED or 1.0)
    return Ticks(np.round(span / unit).clip(0, COUNTED).astype(np.uint32), origin, unit)


def follow(shown: Any, sources: Sequence[Any], trace: Trace) -> None:
    """Thin the rows of a trace again whenever the range of its axis changes.

    Args:
        shown: Range of the axis.
        sources: What each panel draws, with the columns x, when, c0, c1, ...
        trace: With all rows.
    """
    axis, ticks = trace.axis, ticked(trace.axis.place)
    panels = []
    for source, panel in zip(sources, trace.panels, strict=True):
        codes = [packed(line.values) for line in panel.lines]
        columns = [{"codes": one.codes, "low": one.low, "step": one.step} for one in codes]
        panels.append({"source": source, "columns": columns})
    arguments = {
        "range": shown, "panels": panels, "at": ticks.at, "origin": ticks.origin, "unit": ticks.unit,
        "starts": axis.starts.tolist(), "shifts": (axis.when - axis.place)[axis.starts].tolist(),
        "most": MOST, "missing": MISSING,
    }  # fmt: skip
    code = CustomJS(args=arguments, code=CODE)
    for end in ("start", "end"):
        shown.js_on_change(end, code)
