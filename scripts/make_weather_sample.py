"""Write the packaged weather sample from the TMY3 file in the pvlib wheel: `python scripts/make_weather_sample.py`.

TMY3 labels the hour that ends at the stamp, in local standard time without summer time, and writes midnight as 24:00.
"""

import gzip
import importlib.util
import io
from pathlib import Path

import pandas as pd

STATION = "723170TYA.CSV"  # Greensboro Piedmont Triad International Airport, North Carolina
TARGET = Path(__file__).parents[1] / "dlkit/data/sources/tmy3_weather.csv.gz"
COLUMNS = {
    "GHI (W/m^2)": "ghi",
    "DNI (W/m^2)": "dni",
    "DHI (W/m^2)": "dhi",
    "TotCld (tenths)": "cloud_cover",
    "Dry-bulb (C)": "temperature",
    "Dew-point (C)": "dew_point",
    "RHum (%)": "humidity",
    "Pressure (mbar)": "pressure",
    "Wspd (m/s)": "wind_speed",
}


def main() -> None:
    """Read, choose, convert the stamps to UTC, and write a gzip file that is the same on every machine."""
    package = importlib.util.find_spec("pvlib")
    assert package and package.origin, "install pvlib"
    source = Path(package.origin).parent / "data" / STATION
    offset = float(source.read_text().partition("\n")[0].split(",")[3])
    table = pd.read_csv(source, skiprows=1)
    dates = pd.to_datetime(table["Date (MM/DD/YYYY)"], format="%m/%d/%Y")
    hours = table["Time (HH:MM)"].str[:2].astype(int)
    stamps = dates + pd.to_timedelta(hours - offset, unit="h")
    sample = pd.DataFrame({"time": stamps.dt.strftime("%Y-%m-%dT%H:%M:%SZ"), "month": dates.dt.strftime("%Y-%m")})
    for old, new in COLUMNS.items():
        sample[new] = table[old].map("{:g}".format)
    content = io.BytesIO()
    with gzip.GzipFile(fileobj=content, mode="wb", filename="", mtime=0, compresslevel=9) as file:
        file.write(sample.to_csv(index=False, lineterminator="\n").encode())
    TARGET.write_bytes(content.getvalue())
    print(f"{TARGET.name}: {len(sample)} rows, {TARGET.stat().st_size:,} bytes, months {sorted(set(sample['month']))}")


if __name__ == "__main__":
    main()
