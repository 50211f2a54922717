# SPDX-License-Identifier: GPL-2.0
"""Make threads of a running process spin, and let them go on (x86-64).

with Spin(tids): a jump to itself is written where each thread will next
run, so that it burns its processor and does nothing else; on leaving, the
octets are put back and the threads go on as if nothing had been.
"""

import ctypes
import os
import struct

PTRACE_PEEKTEXT, PTRACE_POKETEXT = 1, 4
PTRACE_GETREGS, PTRACE_DETACH = 12, 17
PTRACE_SEIZE, PTRACE_INTERRUPT = 0x4206, 0x4207
WALL = 0x40000000
RIP = 16 * 8		# offset in struct user_regs_struct
SELF = 0xfeeb		# "jmp ."

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.restype = ctypes.c_long
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def ptrace(request, tid, address=None, data=None):
    ctypes.set_errno(0)
    result = _libc.ptrace(request, tid, address, data)
    if result == -1 and ctypes.get_errno():
        raise OSError(ctypes.get_errno(), f"ptrace request {request:#x} of thread {tid}")
    return result


def stop(tid):
    ptrace(PTRACE_SEIZE, tid)
    ptrace(PTRACE_INTERRUPT, tid)
    os.waitpid(tid, WALL)


def where(tid):
    registers = ctypes.create_string_buffer(27 * 8)
    ptrace(PTRACE_GETREGS, tid, None, ctypes.cast(registers, ctypes.c_void_p))
    return struct.unpack_from("Q", registers.raw, RIP)[0]


class Spin:
    def __init__(self, tids):
        self.tids, self.words = tids, {}

    def edit(self, change):
        """Stop the threads, let @change look at each, let them go."""
        for tid in self.tids:
            stop(tid)
        try:
            for tid in self.tids:
                change(tid)
        finally:
            for tid in self.tids:
                ptrace(PTRACE_DETACH, tid)

    def plant(self, tid):
        address = where(tid)
        if address not in self.words:
            word = ptrace(PTRACE_PEEKTEXT, tid, address) & (1 << 64) - 1
            self.words[address] = word
            ptrace(PTRACE_POKETEXT, tid, address, word & ~0xffff | SELF)

    def restore(self, tid):
        for address, word in self.words.items():
            ptrace(PTRACE_POKETEXT, tid, address, word)

    def __enter__(self):
        self.edit(self.plant)
        return self

    def __exit__(self, *unused):
        self.edit(self.restore)
