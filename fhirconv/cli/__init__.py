"""The commands: arguments in, files out, exit codes."""


def main() -> None:
    """Run the command line."""
