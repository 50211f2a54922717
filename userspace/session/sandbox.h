/* SPDX-License-Identifier: GPL-2.0 */
/* The inspector's system call filter. */
#ifndef SESSION_SANDBOX_H
#define SESSION_SANDBOX_H

/*
 * Allow, from here on and in all threads, only what running sessions needs:
 * sockets of IPv4 and IPv6 (stream and datagram), bpf() on elements of maps
 * that are open already, memory that is never executable. No file can be
 * opened, no program run, no other process touched. A call that no honest path
 * makes ends the process; any other that is not allowed fails with EPERM, so
 * that a library's unforeseen call does not cost every session.
 *
 * For a process that has no_new_privs. Returns 0 or -errno.
 */
int sandbox_enter(void);

#endif
