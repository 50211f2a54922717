// SPDX-License-Identifier: GPL-2.0
/* session/sandbox.c: what the filter lets through, refuses, and kills (B97, B98). */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "session/sandbox.h"

enum fate { ALLOWED, REFUSED, KILLED };

static void *any_memory;

/* Any other error than EPERM came from behind the filter. */
static long raw(long call, long a, long b, long c)
{
	return syscall(call, a, b, c, 0, 0, 0);
}

static const struct {
	const char *what;
	long call;
	long arg[3];
	enum fate fate;
} rows[] = {
	{ "TCP socket", SYS_socket, { AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0 }, ALLOWED },
	{ "TCP6 socket", SYS_socket, { AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0 }, ALLOWED },
	{ "UDP socket", SYS_socket, { AF_INET, SOCK_DGRAM, 0 }, ALLOWED },
	{ "raw socket", SYS_socket, { AF_INET, SOCK_RAW, IPPROTO_TCP }, REFUSED },
	{ "raw socket, v6", SYS_socket, { AF_INET6, SOCK_RAW | SOCK_CLOEXEC, 6 }, REFUSED },
	{ "packet socket", SYS_socket, { AF_PACKET, SOCK_DGRAM, 0 }, REFUSED },
	{ "netlink socket", SYS_socket, { AF_NETLINK, SOCK_RAW, 0 }, REFUSED },
	{ "UNIX socket", SYS_socket, { AF_UNIX, SOCK_STREAM, 0 }, REFUSED },
	{ "vsock", SYS_socket, { AF_VSOCK, SOCK_STREAM, 0 }, REFUSED },
	{ "open", SYS_open, { 0, O_RDONLY, 0 }, REFUSED },
	{ "openat", SYS_openat, { AT_FDCWD, 0, O_WRONLY }, REFUSED },
	{ "openat2", SYS_openat2, { AT_FDCWD, 0, 0 }, REFUSED },
	{ "memfd", SYS_memfd_create, { 0, 0, 0 }, REFUSED },
	{ "unlink", SYS_unlink, { 0, 0, 0 }, REFUSED },
	{ "clone", SYS_clone, { SIGCHLD, 0, 0 }, REFUSED },
	{ "clone3", SYS_clone3, { 0, 0, 0 }, REFUSED },
	{ "kill", SYS_kill, { 1, 0, 0 }, REFUSED },
	{ "setuid", SYS_setuid, { 0, 0, 0 }, REFUSED },
	{ "listen", SYS_listen, { 99, 1, 0 }, REFUSED },
	{ "prctl", SYS_prctl, { PR_SET_DUMPABLE, 1, 0 }, REFUSED },
	{ "ioctl", SYS_ioctl, { 0, 0, 0 }, REFUSED },
	{ "bpf lookup", SYS_bpf, { BPF_MAP_LOOKUP_ELEM, 0, 0 }, ALLOWED },
	{ "bpf update", SYS_bpf, { BPF_MAP_UPDATE_ELEM, 0, 0 }, ALLOWED },
	{ "bpf delete", SYS_bpf, { BPF_MAP_DELETE_ELEM, 0, 0 }, ALLOWED },
	{ "bpf map create", SYS_bpf, { BPF_MAP_CREATE, 0, 0 }, REFUSED },
	{ "bpf prog load", SYS_bpf, { BPF_PROG_LOAD, 0, 0 }, REFUSED },
	{ "bpf object get", SYS_bpf, { BPF_OBJ_GET, 0, 0 }, REFUSED },
	{ "bpf command with high bits", SYS_bpf, { BPF_PROG_LOAD | 1L << 32, 0, 0 }, REFUSED },
	{ "mmap", SYS_mmap, { 0, 4096, PROT_READ | PROT_WRITE }, ALLOWED },
	{ "executable mmap", SYS_mmap, { 0, 4096, PROT_READ | PROT_EXEC }, REFUSED },
	{ "executable mprotect", SYS_mprotect, { 0, 4096, PROT_EXEC }, REFUSED },
	{ "accept4", SYS_accept4, { 99, 0, 0 }, ALLOWED },
	{ "execve", SYS_execve, { 0, 0, 0 }, KILLED },
	{ "execveat", SYS_execveat, { AT_FDCWD, 0, 0 }, KILLED },
	{ "ptrace", SYS_ptrace, { 0, 0, 0 }, KILLED },
	{ "process_vm_readv", SYS_process_vm_readv, { 0, 0, 0 }, KILLED },
	{ "fork", SYS_fork, { 0, 0, 0 }, KILLED },
	{ "mount", SYS_mount, { 0, 0, 0 }, KILLED },
	{ "setns", SYS_setns, { 99, 0, 0 }, KILLED },
	{ "unshare", SYS_unshare, { 0, 0, 0 }, KILLED },
	{ "io_uring", SYS_io_uring_setup, { 0, 0, 0 }, KILLED },
};

/* In a child: 0 = allowed, 1 = refused, else it does not return. */
static void try_row(size_t i)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || sandbox_enter())
		_exit(2);
	errno = 0;
	raw(rows[i].call, rows[i].arg[0], rows[i].arg[1], rows[i].arg[2]);
	_exit(errno == EPERM ? 1 : 0);
}

Test(sandbox, each_row)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		pid_t pid = fork();
		int status;

		if (!pid)
			try_row(i);
		cr_assert_eq(waitpid(pid, &status, 0), pid);
		if (rows[i].fate == KILLED)
			cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "%s",
				  rows[i].what);
		else
			cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == (int)rows[i].fate,
				  "%s: status %x", rows[i].what, (unsigned int)status);
	}
}

static void *late_thread(void *arg)
{
	pthread_barrier_t *both = arg;

	pthread_barrier_wait(both);
	pthread_barrier_wait(both);
	errno = 0;
	raw(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
	any_memory = malloc(300 * 1024);
	free(any_memory);
	return (void *)(uintptr_t)(errno == EPERM && any_memory);
}

/* A thread that ran before is in the sandbox too. */
Test(sandbox, holds_for_threads_that_run)
{
	pid_t pid = fork();
	pthread_barrier_t both;
	pthread_t thread;
	void *refused;
	int status;

	if (!pid) {
		pthread_barrier_init(&both, NULL, 2);
		pthread_create(&thread, NULL, late_thread, &both);
		pthread_barrier_wait(&both);
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || sandbox_enter())
			_exit(2);
		pthread_barrier_wait(&both);
		pthread_join(thread, &refused);
		_exit(refused ? 0 : 1);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x",
		  (unsigned int)status);
}
