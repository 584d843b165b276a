"""Write numbers for people. Pure."""

from __future__ import annotations

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def size(number: float) -> str:
    """Return a number of bytes such as `12.3 MiB`."""
    power = 0
    while number >= 1024 and power < len(_UNITS) - 1:
        number /= 1024
        power += 1
    return f"{number:.{min(power, 1)}f} {_UNITS[power]}"


def count(number: int | None, word: str, words: str | None = None) -> str:
    """Return a number with its noun, such as `1 row` or `1,200 rows`; ``words`` are several, if not `…s`."""
    return f"{number or 0:,} {word if number == 1 else words or f'{word}s'}"


def duration(seconds: float) -> str:
    """Return a time such as `0.53 s`, `12.3 s`, `2 min 05 s` or `1 h 02 min`."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"
