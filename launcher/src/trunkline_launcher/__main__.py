"""`python -m trunkline_launcher run | reset | token`: the only entry; what a user can cause ends in one sentence."""

import sys

INTERRUPTED = 130  # 128 + SIGINT, as shells count


def main(arguments: list[str]) -> int:
    """Carry out a command and return the exit code."""
    try:
        from trunkline_launcher.commands import carry_out  # not at the top: a missing package must reach its sentence
    except ModuleNotFoundError as error:
        print(
            f"The package {error.name} is missing in this environment: run make clean and make setup.", file=sys.stderr
        )
        return 1
    return carry_out(arguments)


def script() -> None:
    """The console script `trunkline`."""
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    script()
