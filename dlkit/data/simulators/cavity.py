"""The field in a superconducting accelerator cavity under its controller."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

# Power of a wave of 1 MV/m in kW: (length of the cavity)^2 / ((r/Q) Q), Q = frequency / bandwidth; a C100 cavity.
LENGTH, SHUNT, FREQUENCY = 0.7, 868.0, 1.497e9


@dataclass(frozen=True, eq=False)
class Cavity:
    """What stays the same while a trace is recorded; each an array, (samples,).

    Attributes:
        half_bandwidth: Half of the loaded bandwidth, rad/s.
        gradient: Set-point of the accelerating gradient, MV/m.
        limit: Largest drive, MV/m, as the gradient that it would hold on resonance.
        lorentz: Detuning by the field's own pressure in the main mechanical mode, rad/s per (MV/m)^2.
        mode: Frequency of the mechanical mode, rad/s.
        damping: Damping of the mechanical mode, 1/s.
    """

    half_bandwidth: np.ndarray
    gradient: np.ndarray
    limit: np.ndarray
    lorentz: np.ndarray
    mode: np.ndarray
    damping: np.ndarray


@dataclass(frozen=True, eq=False)
class Disturbance:
    """What happens to the cavity; each an array, (samples, time).

    Attributes:
        detuning: From outside (vibration, helium pressure), rad/s.
        loss: Additional dissipation, in units of the half bandwidth.
        dump: Share of the field that is lost at once.
        drive: Factor on what the controller asks for.
        held: True where the drive stays what it was.
        on: True where the amplifier is on.
    """

    detuning: np.ndarray
    loss: np.ndarray
    dump: np.ndarray
    drive: np.ndarray
    held: np.ndarray
    on: np.ndarray


class Waves(NamedTuple):
    """What happened, (samples, time): field and drive, complex in MV/m; total detuning, rad/s."""

    field: np.ndarray
    drive: np.ndarray
    detuning: np.ndarray


def steady_field(drive: Any, detuning: Any, half_bandwidth: Any, loss: Any = 0.0) -> Any:
    """Return the field that a constant drive ends at, complex MV/m."""
    return drive / (1 + loss - 1j * detuning / half_bandwidth)


def next_field(field: Any, drive: Any, detuning: Any, half_bandwidth: Any, loss: Any, seconds: float) -> Any:
    """Return the field after ``seconds`` of the envelope equation, exactly for what is constant meanwhile.

    dV/dt = -(w (1 + loss) - i dw) V + w u, with the half bandwidth w, the detuning dw and the drive u = R I
    (T. Schilcher, "Vector sum control of pulsed accelerating fields in Lorentz force detuned superconducting
    cavities", Hamburg 1998).
    """
    kept = np.exp((1j * detuning - half_bandwidth * (1 + loss)) * seconds)
    return kept * field + (1 - kept) * steady_field(drive, detuning, half_bandwidth, loss)


def simulate(cavity: Cavity, disturbance: Disturbance, *, step: float, loop: float = 0.003) -> Waves:
    """Return the waves of all samples together, step by step.

    The controller brings the field back to its set-point with the time constant ``loop``. It knows the detuning and the
    losses of the sample before, and the amplifier can give no more than its limit. The mechanical mode is pushed by the
    change of the field's pressure.

    Args:
        cavity: Constants of each sample.
        disturbance: What happens; its shape gives the number of steps.
        step: Seconds a step.
        loop: Time constant of the controller, seconds.
    """
    width, approach = cavity.half_bandwidth, 1 - np.exp(-step / loop)
    turn = np.exp((1j * cavity.mode - cavity.damping) * step)
    field, swing, shift = cavity.gradient.astype(complex), np.zeros_like(width, complex), np.zeros_like(width)
    detuning, loss = disturbance.detuning[:, 0], disturbance.loss[:, 0]
    drive = field / steady_field(1.0, detuning, width, loss)
    waves = Waves(*(np.empty(disturbance.on.shape, kind) for kind in (complex, complex, float)))
    for now in range(disturbance.on.shape[1]):
        kept = np.exp((1j * detuning - width * (1 + loss)) * step)
        wanted = field + (cavity.gradient - field) * approach
        asked = (wanted - kept * field) / (1 - kept) / steady_field(1.0, detuning, width, loss)
        asked = asked / np.maximum(np.abs(asked) / cavity.limit, 1)
        drive = np.where(disturbance.held[:, now], drive, asked)
        sent = np.where(disturbance.on[:, now], drive * disturbance.drive[:, now], 0)
        detuning, loss = disturbance.detuning[:, now] + shift, disturbance.loss[:, now]
        field = next_field(field, sent, detuning, width, loss, step) * (1 - disturbance.dump[:, now])
        waves.field[:, now], waves.drive[:, now], waves.detuning[:, now] = field, sent, detuning
        pressed = -cavity.lorentz * (np.abs(field) ** 2 - cavity.gradient**2)
        swing = (swing + shift - swing.real - pressed) * turn
        shift = pressed + swing.real
    return waves


def kilowatts(wave: np.ndarray, half_bandwidth: np.ndarray) -> np.ndarray:
    """Return the power of a wave, MV/m, that runs to a cavity or back from it, in kW.

    A matched wave of half the gradient holds it on resonance; what is reflected is field minus forward wave.
    """
    quality = 2 * np.pi * FREQUENCY / (2 * half_bandwidth)
    power: np.ndarray = np.abs(wave * 1e6) ** 2 * LENGTH**2 / (SHUNT * quality) / 1e3
    return power
