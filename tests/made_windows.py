"""Windows of several sources made one value at a time in float64, as the definitions say."""

import numpy as np

from dlkit.core.durations import nanoseconds
from dlkit.data.inputs import EventInput, FrameInput, StreamInput

NONE = np.nan


class Brute:
    """Answers what a window of a data module must hold, from the recordings themselves.

    Args:
        data: A data module whose methods are "last" and "mean"; its table is only asked for its times and segments.
    """

    def __init__(self, data):
        self.data, self.ready = data, data.prepared
        self.times, self.segments = self.ready.table.times, self.ready.table.segments
        self.series = np.repeat(self.ready.table.series, np.diff(self.segments, axis=1)[:, 0])
        self.step, self.span = self.ready.table.step, self.ready.geometry.look_back
        self.sources = data.wanted.sources
        self.columns = {
            name: self._columns(name, one) for name, one in self.sources.items() if isinstance(one, StreamInput)
        }
        rows = np.concatenate([np.arange(*part) for part in self.ready.ranges["train"]])
        self.train = set(rows.tolist())
        self.scales = {
            name: {key: (np.nanmean(own[rows]), np.nanstd(own[rows])) for key, own in found.items()}
            for name, found in self.columns.items()
        }
        self.pixels = {
            name: self._pixel_scale(name) for name, one in self.sources.items() if isinstance(one, FrameInput)
        }

    def _stream(self, name, row):
        series = self.ready.table.names[self.series[row]]
        streams = self.sources[name].source.streams
        return next(one for one in streams if one.name == series or len(streams) == 1)

    def _columns(self, name, wanted):
        channels = self.sources[name].source.streams[0].channels
        limit = np.inf if wanted.max_age is None else nanoseconds(wanted.max_age, setting="max_age")
        found = {channel: np.full(len(self.times), NONE) for channel in (*channels, "age")}
        for row, t in enumerate(self.times):
            stream, ages = self._stream(name, row), []
            first = row in self.segments[:, 0]
            since = t - self.step if first else self.times[row - 1]
            for i, channel in enumerate(channels):
                values = stream.values[:, i].astype(np.float64)
                seen = (stream.times <= t) & ~np.isnan(values)
                if not seen.any():
                    continue
                age = t - stream.times[seen][-1]
                ages.append(age)
                inside = seen & (stream.times > since)
                if age > limit or (wanted.method == "mean" and not inside.any()):
                    continue
                found[channel][row] = values[seen][-1] if wanted.method == "last" else values[inside].mean()
            found["age"][row] = min(ages) / 1e9 if ages else NONE
        return found

    # ------------------------------------------------------------------ cameras
    def _film(self, name, row):
        series = self.ready.table.names[self.series[row]]
        found = self.sources[name].source.series
        return next(one for one in found if one.name == series or len(found) == 1)

    def seen(self, name, row):
        """Return the number of the last frame at a row, in its series; -1 for none."""
        return int((self._film(name, row).times <= self.times[row]).sum()) - 1

    def border(self, row, role):
        if role == "train":
            return max(start for start, stop in self.ready.ranges["train"] if start <= row < stop)
        return max(start for start in self.segments[:, 0] if start <= row)

    def frames(self, name, row, role):
        """Return the frames of a window that ends at a row, oldest first; None where there is none."""
        wanted, film = self.sources[name], self._film(name, row)
        newest = self.seen(name, row)
        if newest < 0:
            return [None] * wanted.look_back
        age = self.times[row] - film.times[newest]
        if wanted.max_age is not None and age > nanoseconds(wanted.max_age, setting="max_age"):
            return [None] * wanted.look_back
        first = max(self.seen(name, self.border(row, role)), 0)
        return [n if n >= first else None for n in range(newest - wanted.look_back + 1, newest + 1)]

    def _pixel_scale(self, name):
        numbers = set()
        for row in self.train:
            number = self.seen(name, row)
            before = -1 if row == 0 or self.series[row - 1] != self.series[row] else self.seen(name, row - 1)
            if number >= 0 and (number != before):
                numbers.add((self.series[row], number))
        shots = [self.sources[name].source.series[series].pictures.values[n] for series, n in sorted(numbers)]
        stack = np.stack(shots).astype(np.float64)
        return stack.mean((0, 2, 3)), stack.std((0, 2, 3))

    # ------------------------------------------------------------------ windows
    def series_part(self, name, start):
        wanted, now = self.sources[name], start + self.span - 1
        part = next(one for one in self.ready.spec.parts if one.name == name)
        rows = [now + round(time * 1e9 / self.step) for time in part.times]
        channels = [one for one in part.channels if not one.endswith(" observed") and one != "age"]
        values = np.array([[self.columns[name][one][row] for row in rows] for one in channels])
        scaled = np.array(
            [
                (own - self.scales[name][one][0]) / self.scales[name][one][1]
                for one, own in zip(channels, values, strict=True)
            ]
        )
        known = ~np.isnan(values)
        blocks, masks = [np.nan_to_num(scaled)], [known]
        if wanted.age:
            age = np.array([[self.columns[name]["age"][row] for row in rows]])
            blocks.append(np.nan_to_num(age))
            masks.append(np.ones_like(age, bool))
        if wanted.mask:
            blocks.append(known.astype(float))
            masks.append(np.ones_like(known))
        there = known.any() if wanted.max_age is None else known[:, -1].any()
        return np.concatenate(blocks), np.concatenate(masks), bool(there)

    def camera_part(self, name, start, role):
        wanted, now = self.sources[name], start + self.span - 1
        film, (mean, std) = self._film(name, now), self.pixels[name]
        part = next(one for one in self.ready.spec.parts if one.name == name)
        block, mask = np.zeros(part.shape), np.zeros(part.shape, bool)
        numbers = self.frames(name, now, role)
        for i, number in enumerate(numbers):
            if number is None:
                continue
            mask[i] = True
            shot = film.pictures.values[number].astype(np.float64)
            block[i, : len(shot)] = (shot - mean[:, None, None]) / std[:, None, None]
            if wanted.age:
                block[i, -1] = (self.times[now] - film.times[number]) / 1e9
        return block, mask, numbers[-1] is not None

    def window(self, start, role):
        """Return packed inputs and which of them were observed."""
        values, masks, presence = [], [], []
        for part in self.ready.spec.parts:
            block, mask, there = (
                self.camera_part(part.name, start, role) if part.frames else self.series_part(part.name, start)
            )
            values.append(block.ravel() * there)
            masks.append(mask.ravel() & there)
            presence.append(float(there))
        ones = np.ones(len(presence), bool)
        return np.concatenate([*values, presence]), np.concatenate([*masks, ones])

    def label(self, name, row):
        events = self.sources[name].source.series
        series = self.ready.table.names[self.series[row]]
        own = next(one for one in events if one.name == series or len(events) == 1)
        label = 0
        for number in np.argsort(own.onset, kind="stable"):
            if own.onset[number] <= self.times[row] < own.offset[number]:
                label = int(own.labels[number])
        return label

    def target(self, column, row):
        source, channel = column.split(".", 1)
        mean, std = self.scales[source][channel]
        return (self.columns[source][channel][row] - mean) / std


def is_input(one):
    """Tell whether a source can go in."""
    return not isinstance(one, EventInput)
