// SPDX-License-Identifier: GPL-2.0
/* control/child.c: starts, deaths, pauses, the end with the parent. */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/child.h"

static void init(void)
{
	log_init("test", LOG_LEVEL_PANIC);
}

TestSuite(control_child, .init = init, .timeout = 20);

static int exit_with(void *arg)
{
	return *(int *)arg;
}

static int crash(void *arg)
{
	(void)arg;
	raise(SIGSEGV);
	return 0;
}

static int wait_for(const struct child *c)
{
	int status;

	cr_assert_eq(waitpid(c->pid, &status, 0), c->pid);
	return status;
}

Test(control_child, pauses)
{
	static const unsigned int ms[] = { 0, 0, 100, 200, 400, 800, 1000, 1000 };

	for (unsigned int i = 0; i < sizeof(ms) / sizeof(ms[0]); i++)
		cr_expect_eq(child_pause(i), ms[i] * NS_PER_MS, "after %u deaths", i);
	cr_expect_eq(child_pause(1000000), NS_PER_SEC);
}

Test(control_child, runs_and_ends)
{
	int status = 7;
	struct child c = { .name = "c", .run = exit_with, .arg = &status };

	cr_assert_eq(child_start(&c, 5), 0);
	cr_assert_gt(c.pid, 0);
	cr_assert_eq(c.started, 5);
	cr_expect_eq(WEXITSTATUS(wait_for(&c)), 7);
	child_ended(&c, 7 << 8, 6);
	cr_expect_eq(c.pid, 0);
	cr_expect_eq(c.due, 6, "the first quick death costs no pause");
	child_signal(&c, SIGKILL);	/* nobody: not a signal to the whole group */
}

/* A child that dies at each start, as the keeper's loop treats it; 4 s of our clock. */
Test(control_child, crash_loop)
{
	struct child c = { .name = "c", .run = crash };
	unsigned int starts = 0;

	for (uint64_t now = 1; now < 4 * NS_PER_SEC; now += 10 * NS_PER_MS) {
		if (now < c.due)
			continue;
		cr_assert_eq(child_start(&c, now), 0);
		starts++;
		child_ended(&c, wait_for(&c), now);
	}
	/* 0, 0, 100, 300, 700, 1500, 2500, 3500 ms. */
	cr_expect_eq(starts, 8, "%u", starts);
}

Test(control_child, a_settled_child_starts_at_once)
{
	struct child c = { .name = "c", .pid = 1, .started = 1, .quick = 9 };

	child_ended(&c, SIGKILL, 1 + CHILD_SETTLED_NS);
	cr_expect_eq(c.due, 1 + CHILD_SETTLED_NS);
	cr_expect_eq(c.quick, 1);
}

static int signal_state(void *arg)
{
	struct sigaction now;
	sigset_t blocked;

	(void)arg;
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	for (int sig = 1; sig < 32; sig++) {
		bool terminal = sig == SIGINT || sig == SIGQUIT || sig == SIGHUP;

		sigaction(sig, NULL, &now);
		if (sigismember(&blocked, sig) || now.sa_handler != (terminal ? SIG_IGN : SIG_DFL))
			return sig;
	}
	return 0;
}

Test(control_child, signals_of_a_child)
{
	struct child c = { .name = "c", .run = signal_state };
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	signal(SIGUSR1, SIG_IGN);
	cr_assert_eq(child_start(&c, 1), 0);
	cr_expect_eq(WEXITSTATUS(wait_for(&c)), 0);
}

/* In the grandchild: wait for death, and let the pipe tell the test. */
static int outlive(void *arg)
{
	pid_t parent = *(pid_t *)arg;

	if (child_end_with(parent))
		return 1;
	alarm(30);	/* when it does not, nobody else will end it */
	for (;;)
		pause();
}

/* The write end of the pipe is open as long as a process of the family lives. */
Test(control_child, ends_with_its_parent)
{
	int ends[2];
	char octet;
	pid_t parent;

	cr_assert_eq(pipe(ends), 0);
	parent = fork();
	if (parent == 0) {
		pid_t self = getpid();
		struct child c = { .name = "c", .run = outlive, .arg = &self };

		close(ends[0]);
		if (child_start(&c, 1) || write(ends[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ends[1]);
	cr_assert_eq(read(ends[0], &octet, 1), 1);
	kill(parent, SIGKILL);
	cr_assert_eq(waitpid(parent, NULL, 0), parent);
	cr_expect_eq(read(ends[0], &octet, 1), 0, "the grandchild is gone");
}

Test(control_child, not_a_child_of_another)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(child_end_with(1) == -ESRCH ? 0 : 1);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(status, 0);
}
