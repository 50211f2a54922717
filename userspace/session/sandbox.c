// SPDX-License-Identifier: GPL-2.0
/* The system call filter of sandbox.h, as rows. */
#include "session/sandbox.h"

#include <errno.h>
#include <linux/bpf.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>

/* Allowed whatever the arguments. */
static const int allowed[] = {
	/* sessions */
	SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2), SCMP_SYS(epoll_ctl),
	SCMP_SYS(accept4), SCMP_SYS(bind), SCMP_SYS(connect), SCMP_SYS(getsockname),
	SCMP_SYS(setsockopt), SCMP_SYS(getsockopt), SCMP_SYS(recvfrom), SCMP_SYS(sendto),
	SCMP_SYS(sendmsg), SCMP_SYS(shutdown), SCMP_SYS(close), SCMP_SYS(eventfd2),
	SCMP_SYS(read), SCMP_SYS(write),
	/* memory (without execution: see below) */
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(madvise), SCMP_SYS(mremap),
	/* threads and time */
	SCMP_SYS(futex), SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),
	SCMP_SYS(gettimeofday), SCMP_SYS(restart_syscall), SCMP_SYS(sched_yield),
	SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(getcpu),
	/* signals and the end */
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigtimedwait), SCMP_SYS(sigaltstack), SCMP_SYS(tgkill), SCMP_SYS(gettid),
	SCMP_SYS(getpid), SCMP_SYS(getrandom), SCMP_SYS(exit), SCMP_SYS(exit_group),
};

/* Nobody calls these by mistake: the process is somebody else's now. */
static const int hostile[] = {
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev), SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(pivot_root),
	SCMP_SYS(chroot), SCMP_SYS(unshare), SCMP_SYS(setns), SCMP_SYS(init_module),
	SCMP_SYS(finit_module), SCMP_SYS(kexec_load), SCMP_SYS(perf_event_open),
	SCMP_SYS(userfaultfd), SCMP_SYS(io_uring_setup), SCMP_SYS(keyctl), SCMP_SYS(add_key),
	SCMP_SYS(fork), SCMP_SYS(vfork),
};

/* Allowed with this argument, under this mask. */
static const struct {
	int		call;
	unsigned int	arg;
	uint64_t	mask;
	uint64_t	value;
} with[] = {
	{ SCMP_SYS(mmap),	2, PROT_EXEC, 0 },
	{ SCMP_SYS(mprotect),	2, PROT_EXEC, 0 },
	{ SCMP_SYS(bpf),	0, UINT32_MAX, BPF_MAP_LOOKUP_ELEM },
	{ SCMP_SYS(bpf),	0, UINT32_MAX, BPF_MAP_UPDATE_ELEM },
	{ SCMP_SYS(bpf),	0, UINT32_MAX, BPF_MAP_DELETE_ELEM },
};

/* socket(): families and types; the type's flags are free. */
#define SOCKET_TYPE	0xfu
static const struct {
	int family;
	int type;
} sockets[] = {
	{ AF_INET,  SOCK_STREAM },
	{ AF_INET,  SOCK_DGRAM },
	{ AF_INET6, SOCK_STREAM },
	{ AF_INET6, SOCK_DGRAM },
};

#define COUNT(rows)	(sizeof(rows) / sizeof((rows)[0]))

static int add_plain(scmp_filter_ctx ctx)
{
	int err = 0;

	for (size_t i = 0; i < COUNT(allowed) && !err; i++)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
	for (size_t i = 0; i < COUNT(hostile) && !err; i++)
		err = seccomp_rule_add(ctx, SCMP_ACT_KILL_PROCESS, hostile[i], 0);
	return err;
}

static int add_with_arguments(scmp_filter_ctx ctx)
{
	int err = 0;

	for (size_t i = 0; i < COUNT(with) && !err; i++)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, with[i].call, 1,
				       SCMP_CMP(with[i].arg, SCMP_CMP_MASKED_EQ, with[i].mask,
						with[i].value));
	for (size_t i = 0; i < COUNT(sockets) && !err; i++)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
				       SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)sockets[i].family),
				       SCMP_A1(SCMP_CMP_MASKED_EQ, SOCKET_TYPE,
					       (scmp_datum_t)sockets[i].type));
	return err;
}

int sandbox_enter(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int err;

	if (!ctx)
		return -ENOMEM;
	err = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	/* The most frequent calls stand first in a tree of compares. */
	if (!err)
		err = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (!err)
		err = add_plain(ctx);
	if (!err)
		err = add_with_arguments(ctx);
	if (!err)
		err = seccomp_load(ctx);
	seccomp_release(ctx);
	return err;
}
