// SPDX-License-Identifier: GPL-2.0
/* Starting a child process, and when to start it again. */
#include "control/child.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define PAUSE_FIRST	(100 * NS_PER_MS)
#define PAUSE_MOST	NS_PER_SEC

uint64_t child_pause(unsigned int quick)
{
	uint64_t pause = PAUSE_FIRST;

	if (quick <= 1)
		return 0;
	while (--quick > 1 && pause < PAUSE_MOST)
		pause *= 2;
	return pause < PAUSE_MOST ? pause : PAUSE_MOST;
}

/* A terminal sends its signals to the keeper's children too; the keeper alone decides. */
static void default_signals(void)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	struct sigaction ign = { .sa_handler = SIG_IGN };
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		sigaction(sig, &dfl, NULL);
	sigaction(SIGINT, &ign, NULL);
	sigaction(SIGQUIT, &ign, NULL);
	sigaction(SIGHUP, &ign, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

int child_start(struct child *c, uint64_t now)
{
	pid_t pid = fork();

	if (pid < 0) {
		int err = errno;

		log_error("%s cannot be started: %s", c->name, strerror(err));
		c->due = now + PAUSE_MOST;
		return -err;
	}
	if (pid == 0) {
		default_signals();
		prctl(PR_SET_NAME, c->name);
		_exit(c->run(c->arg));
	}
	c->pid = pid;
	c->started = now;
	c->due = 0;
	return 0;
}

void child_ended(struct child *c, int status, uint64_t now)
{
	if (WIFSIGNALED(status))
		log_error("%s, process %d, was ended by signal %d (%s)%s", c->name, (int)c->pid,
			  WTERMSIG(status), strsignal(WTERMSIG(status)),
			  WCOREDUMP(status) ? ", core dumped" : "");
	else if (WEXITSTATUS(status))
		log_error("%s, process %d, ended with status %d", c->name, (int)c->pid,
			  WEXITSTATUS(status));
	else
		log_info("%s, process %d, ended", c->name, (int)c->pid);
	c->quick = now - c->started < CHILD_SETTLED_NS ? c->quick + 1 : 1;
	c->pid = 0;
	c->due = now + child_pause(c->quick);
}

void child_signal(const struct child *c, int sig)
{
	if (c->pid > 0 && kill(c->pid, sig) && errno != ESRCH)
		log_error("%s, process %d, cannot be sent signal %d: %s", c->name, (int)c->pid, sig,
			  strerror(errno));
}

int child_end_with(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL))
		return -errno;
	return getppid() == parent ? 0 : -ESRCH;
}
