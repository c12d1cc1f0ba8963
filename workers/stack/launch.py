"""The first thing a child process runs: give up root where told, tie its life to its parent's, become the program.

Run as a script, never imported. This is a program of its own and no `preexec_fn`, since code between fork and exec in a
process with threads may deadlock. Arguments: the parent's pid, the signal to get when it dies, uid, gid, the command.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, orphan_signal, uid, gid = (int(argument) for argument in sys.argv[1:5])
    command = sys.argv[5:]
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
        os.umask(0o077)
    if libc is not None:
        # After setuid, which clears it. Linux only: elsewhere a killed supervisor leaves its children to `down`.
        libc.prctl(PR_SET_PDEATHSIG, orphan_signal)
    if os.getppid() != parent:
        sys.exit("the process that started this one is gone")
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.exit(f"cannot run {command[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
