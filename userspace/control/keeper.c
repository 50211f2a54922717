// SPDX-License-Identifier: GPL-2.0
/* The keeper's loop: deaths, starts, signals, heartbeats, the orderly end. */
#include "control/keeper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/clock.h"
#include "control/keeper_private.h"

#define FORCE_NS	(5 * NS_PER_SEC)	/* past drain_timeout an inspector is killed */
#define CLERK_END_NS	(2 * NS_PER_SEC)
#define LOOK_READY_NS	(20 * NS_PER_MS)
#define LOOK_NS		NS_PER_SEC

static bool stopping(const struct keeper *k)
{
	return k->phase >= KEEPER_DRAINING;
}

static void enter(struct keeper *k, enum keeper_phase phase, uint64_t deadline)
{
	static const char *const names[] = {
		[KEEPER_STARTING] = "starting", [KEEPER_SERVING] = "serving",
		[KEEPER_DRAINING] = "draining", [KEEPER_ENDING] = "ending",
		[KEEPER_ENDED] = "ended",
	};

	log_debug("%s, was %s", names[phase], names[k->phase]);
	k->phase = phase;
	k->deadline = deadline;
}

/* Ask the inspector to end; a second time it is not asked. */
static void begin_end(struct keeper *k, uint64_t now)
{
	if (stopping(k)) {
		k->deadline = now;
		return;
	}
	log_info("stopping; running transactions have %llu s",
		 (unsigned long long)(k->conf->drain_timeout / NS_PER_SEC));
	sd_notify(0, "STOPPING=1");
	child_signal(&k->inspector, SIGTERM);
	enter(k, KEEPER_DRAINING, now + k->conf->drain_timeout + FORCE_NS);
}

/* One that cannot even start will not do so the next time: the operator must know now. */
static void note_failed_start(struct keeper *k, const struct child *c, int status, uint64_t now)
{
	if (k->phase != KEEPER_STARTING || !WIFEXITED(status))
		return;
	log_error("cannot start: %s did not", c->name);
	k->failed = true;
	begin_end(k, now);
}

static void reap(struct keeper *k, uint64_t now)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct child *c = pid == k->inspector.pid ? &k->inspector :
				  pid == k->clerk.pid ? &k->clerk : NULL;

		if (!c)
			continue;
		child_ended(c, status, now);
		note_failed_start(k, c, status, now);
	}
}

static void take_signals(struct keeper *k, uint64_t now)
{
	struct signalfd_siginfo info;

	while (read(k->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGCHLD:
			reap(k, now);
			break;
		case SIGHUP:
			child_signal(&k->clerk, SIGHUP);
			break;
		default:
			begin_end(k, now);
		}
	}
}

/* The next part of an orderly end, when its time has come. */
static void go_on_ending(struct keeper *k, uint64_t now)
{
	if (k->phase == KEEPER_DRAINING && !k->inspector.pid) {
		child_signal(&k->clerk, SIGTERM);
		enter(k, KEEPER_ENDING, now + CLERK_END_NS);
	}
	if (k->phase == KEEPER_ENDING && !k->clerk.pid)
		enter(k, KEEPER_ENDED, 0);
	if (stopping(k) && k->phase != KEEPER_ENDED && now >= k->deadline) {
		struct child *c = k->phase == KEEPER_DRAINING ? &k->inspector : &k->clerk;

		log_warning("%s did not end in time and is killed", c->name);
		child_signal(c, SIGKILL);
		k->deadline = now + NS_PER_SEC;
	}
}

/* Of all workers, and of inspectors that ran before. */
static uint64_t tallied(const struct keeper *k, enum postern_reason reason)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < POSTERN_MAX_WORKERS; i++)
		sum += steering_tallies(k->steering, i)[reason];
	return sum;
}

/*
 * No inspector runs, so no message is in progress: those that were when the
 * last one died are aborted, also when its keeper died with it (I9).
 */
static void account_lost_messages(struct keeper *k)
{
	uint64_t ended = tallied(k, POSTERN_R_message_accepted) +
			 tallied(k, POSTERN_R_message_rejected) +
			 tallied(k, POSTERN_R_message_tempfailed) +
			 tallied(k, POSTERN_R_message_aborted);
	uint64_t started = tallied(k, POSTERN_R_message_started);

	if (started <= ended)
		return;
	k->tally[POSTERN_R_message_aborted] += started - ended;
	log_info("messages in progress when the inspector died: %llu",
		 (unsigned long long)(started - ended));
}

static void start_due(struct keeper *k, struct child *c, _Atomic unsigned int *restarts,
		      uint64_t now)
{
	bool again = c->started != 0;

	if (c->pid || now < c->due)
		return;
	if (c == &k->inspector)
		account_lost_messages(k);
	if (child_start(c, now))
		return;
	if (again) {
		(*restarts)++;
		if (c == &k->inspector)
			k->tally[POSTERN_R_inspector_restarted]++;
		log_info("%s started again, process %d", c->name, (int)c->pid);
	}
}

/* Every worker of the inspector that runs now has beaten, so its listener is in its place. */
static bool all_beat(struct keeper *k)
{
	volatile uint64_t *beats = steering_heartbeats(k->steering);
	unsigned int workers = conf_workers(k->conf);

	for (unsigned int i = 0; i < workers; i++)
		if (beats[i] < k->inspector.started)
			return false;
	return k->inspector.pid != 0;
}

static void look_ready(struct keeper *k)
{
	if (!all_beat(k))
		return;
	log_info("serving; inspector is process %d, clerk is process %d", (int)k->inspector.pid,
		 (int)k->clerk.pid);
	enter(k, KEEPER_SERVING, 0);
	sd_notify(0, "READY=1");
}

/* Say which workers fell silent and which came back; steering avoids them by itself. */
static void look_silent(struct keeper *k, uint64_t now)
{
	volatile uint64_t *beats = steering_heartbeats(k->steering);
	unsigned int workers = conf_workers(k->conf);

	for (unsigned int i = 0; i < workers && k->inspector.pid; i++) {
		uint64_t last = beats[i] > k->inspector.started ? beats[i] : k->inspector.started;
		bool silent = now > last && now - last > k->conf->heartbeat;

		if (silent && !(k->silent & 1U << i))
			log_error("worker %u is silent since %llu ms; new connections avoid it", i,
				  (unsigned long long)((now - last) / NS_PER_MS));
		else if (!silent && (k->silent & 1U << i))
			log_info("worker %u beats again", i);
		k->silent = silent ? k->silent | 1U << i : k->silent & ~(1U << i);
	}
}

static void look(struct keeper *k, uint64_t now)
{
	if (now < k->next_look)
		return;
	if (k->phase == KEEPER_STARTING)
		look_ready(k);
	else if (k->phase == KEEPER_SERVING)
		look_silent(k, now);
	k->next_look = now + (k->page->ready ? LOOK_NS : LOOK_READY_NS);
}

static void publish(struct keeper *k)
{
	k->page->inspector = k->inspector.pid;
	k->page->clerk = k->clerk.pid;
	k->page->ready = k->phase == KEEPER_SERVING && all_beat(k);
}

static uint64_t earliest(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static int wait_ms(const struct keeper *k, uint64_t now)
{
	uint64_t due = k->next_look;

	if (stopping(k))
		due = earliest(due, k->deadline);
	else {
		due = k->inspector.pid ? due : earliest(due, k->inspector.due);
		due = k->clerk.pid ? due : earliest(due, k->clerk.due);
	}
	return due <= now ? 0 : (int)((due - now) / NS_PER_MS) + 1;
}

static void run_round(struct keeper *k)
{
	struct pollfd p = { .fd = k->signals, .events = POLLIN };
	uint64_t now;

	poll(&p, 1, wait_ms(k, clock_boot()));
	now = clock_boot();
	take_signals(k, now);
	go_on_ending(k, now);
	if (!stopping(k)) {
		start_due(k, &k->clerk, &k->page->clerk_restarts, now);
		start_due(k, &k->inspector, &k->page->inspector_restarts, now);
	}
	look(k, now);
	publish(k);
}

int keeper_run(const struct keeper_args *args)
{
	struct keeper k = {
		.args = args,
		.conf = args->conf,
		.pid = getpid(),
		.inspector = { .name = "inspector", .run = keeper_inspector },
		.clerk = { .name = "clerk", .run = keeper_clerk },
	};
	int err;

	k.inspector.arg = &k;
	k.clerk.arg = &k;
	err = keeper_start(&k);
	if (err)
		return err;
	while (k.phase != KEEPER_ENDED)
		run_round(&k);
	if (ftruncate(k.pid_file, 0))
		log_warning("pid file cannot be emptied: %s", strerror(errno));
	log_info("ended");
	steering_close(k.steering);
	return k.failed ? -ECHILD : 0;
}
