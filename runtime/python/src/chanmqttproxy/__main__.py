"""python -m chanmqttproxy: the program with these arguments, without Django."""

import os
import sys

from chanmqttproxy.binary import NOT_WHOLE, BinaryNotFound, find_binary, is_whole
from chanmqttproxy.launch import replace_process


def main() -> int:
    if not is_whole():
        print(NOT_WHOLE, file=sys.stderr)
    try:
        return replace_process([str(find_binary()), *sys.argv[1:]], dict(os.environ))
    except BinaryNotFound as error:
        print(f"chanmqttproxy: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
