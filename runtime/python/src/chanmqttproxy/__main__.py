"""python -m chanmqttproxy: the program with these arguments, without Django."""

import os
import sys
from typing import NoReturn

from chanmqttproxy.binary import NOT_WHOLE, BinaryNotFound, find_binary, is_whole
from chanmqttproxy.launch import replace_process


def main() -> NoReturn:
    """Become the program. The exit code is 2 if it is not found."""
    if not is_whole():
        print(NOT_WHOLE, file=sys.stderr)
    try:
        sys.exit(replace_process([str(find_binary()), *sys.argv[1:]], dict(os.environ)))
    except BinaryNotFound as error:
        print(f"chanmqttproxy: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
