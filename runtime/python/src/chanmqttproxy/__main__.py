"""python -m chanmqttproxy: the program with these arguments, without Django."""

import os
import sys


def main() -> int:
    try:
        from chanmqttproxy.binary import BinaryNotFound, find_binary
        from chanmqttproxy.launch import replace_process
    except ImportError:
        # Without its __init__.py the package is what an uninstall of another has left.
        print(
            "The package chanmqttproxy-go is not whole: the uninstall of the package chanmqttproxy "
            "has taken some of its files. Run: pip install --force-reinstall --no-deps chanmqttproxy-go",
            file=sys.stderr,
        )
        return 2
    try:
        return replace_process([str(find_binary()), *sys.argv[1:]], dict(os.environ))
    except BinaryNotFound as error:
        print(f"chanmqttproxy: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
