"""What 8, 64 and 512 GPUs and a store of 10 TB do to three trainings, by the model of `scaling_model.py`.

python scripts/scaling_cases.py [--figure FILE.png]
"""

import argparse
from dataclasses import replace
from pathlib import Path

from scaling_model import HOUR, TB, Machine, Training, best_interval, quickest, start_time

TRAININGS = (
    # PatchTST: compute A, 3 x 2 x 7 x 42 x 0.4 M flop a window at a tenth of an H100's TF32 peak, rounded up
    Training("PatchTST, ETTm1", samples=34_129, sample_bytes=432 * 7 * 4, dataset=69_680 * 7 * 4, batch=128,
             compute=25e-6, decode=0.0, parameters=1.2e6, epochs=20, critical_batch=1_000, kernels=4e-3,
             on_device=True, alone=2.0),
    # ResNet-50: compute A, 3 x 8.2 GFLOP an image (He et al. 2016: 4.1 G multiply-adds) at 8 % of an H100's bf16 peak;
    # decode M, 2,440 JPEG of 224 px a second and core by PIL; critical batch P, tens of thousands (arXiv:1812.06162)
    Training("ResNet-50, 10 TB of images", samples=90e6, sample_bytes=110e3, dataset=10 * TB, batch=256,
             compute=24.6e9 / 80e12, decode=1 / 2_440, parameters=25.6e6, epochs=16, critical_batch=20_000,
             kernels=8e-3, files=90e6, opened=1.0, passes=1.0),
    # Fusion: all A; a window of 250 kB is one camera frame of 8 bit and some seconds of sensors
    Training("Fusion, 10 TB of beam line", samples=40e6, sample_bytes=250e3, dataset=10 * TB, batch=128,
             compute=150e-6, decode=200e-6, parameters=5e6, epochs=10, critical_batch=4_000, kernels=6e-3,
             files=5_000),
)  # fmt: skip


def table(training: Training, machine: Machine) -> None:
    """Print what 1 to 512 GPUs do, each with the batch that is done soonest."""
    print(f"\n{training.name}\n| GPUs | batch a GPU | samples/s | efficiency | hours | largest parts of the time |")
    print("|-:|-:|-:|-:|-:|-|")
    for n in (1, 8, 64, 512):
        found = quickest(n, training, machine)
        largest = sorted(found.parts.items(), key=lambda part: -part[1])[:4]
        told = ", ".join(f"{name} {value / found.total:.0%}" for name, value in largest)
        rate, hours = found.samples_per_second, found.total / HOUR
        print(f"| {n} | {found.batch} | {rate:,.0f} | {found.efficiency:.0%} | {hours:.3g} | {told} |")


def improved(training: Training) -> Training:
    """Return a training packed a thousand samples to a file, and prepared once for all processes and runs."""
    return replace(training, opened=training.opened / 1000, files=0, passes=0, by_all=False)


def draw(path: Path) -> None:
    """Draw hours over GPUs as they are, and with each improvement."""
    import matplotlib.pyplot as plt

    machine, counts = Machine(), [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
    figure, axes = plt.subplots(1, 3, figsize=(12, 4), layout="constrained")
    for training, ax in zip(TRAININGS, axes, strict=True):
        lines = {
            "as dlkit is": (training, machine, "tab:red"),
            "packed, prepared once": (improved(training), machine, "tab:orange"),
            "a share on each node": (improved(training), replace(machine, cache=10 * TB), "tab:blue"),
        }
        for name, (case, place, color) in lines.items():
            hours = [quickest(n, case, place).total / HOUR for n in counts]
            ax.plot(counts, hours, "o-", label=name, color=color, markersize=4)
        first = quickest(1, improved(training), machine).total / HOUR
        ax.plot(counts, [first / n for n in counts], "--", color="gray", label="1 / n")
        ax.set(xscale="log", yscale="log", xlabel="GPUs", title=training.name, ylim=(first / 700, 3 * first))
        ax.set_xticks(counts, [str(n) for n in counts], minor=False, fontsize=8)
        ax.minorticks_off()
        ax.grid(alpha=0.3)
    axes[0].set_ylabel("hours to the same loss (model)")
    axes[1].legend(loc="lower left")
    figure.savefig(path, dpi=110)


def main() -> None:
    machine = Machine()
    for training in TRAININGS:
        table(training, machine)
    print("\n| GPUs | start, a file system of modules | start, one image | stop every, h | save every, min |")
    print("|-:|-:|-:|-:|-:|")
    for n in (8, 64, 512):
        life, save = machine.life / n, 12 * TRAININGS[1].parameters / machine.write
        cells = f"{start_time(n, machine):.0f} s | {start_time(n, machine, image=True):.0f} s"
        print(f"| {n} | {cells} | {life / HOUR:,.0f} | {best_interval(save, life) / 60:.1f} |")
    print("\nPacked a thousand to a file, prepared once and for all runs:")
    for training in TRAININGS[1:]:
        table(improved(training), machine)
    print("\nThe same, and every node keeps its own share of the data in memory or on its own disk:")
    for training in TRAININGS[1:]:
        table(improved(training), replace(machine, cache=10 * TB))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--figure", type=Path, default=None)
    options = parser.parse_args()
    if options.figure is None:
        main()
    else:
        draw(options.figure)
