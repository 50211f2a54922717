// SPDX-License-Identifier: GPL-2.0
/*
 * The inspector process: a checklist, then workers until SIGTERM. The main
 * thread waits for signals and for the workers, and touches no session.
 */
#include "session/inspector.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "session/dial.h"
#include "session/listener.h"
#include "session/sandbox.h"
#include "session/worker.h"

/* Descriptors beside those of sessions: listeners, maps, epoll, logs. */
#define OTHER_FDS	256

struct inspector {
	const struct inspector_args	*args;
	struct workers			all;
	struct verdict_rules		*rules;
	struct worker			*workers;
	unsigned int			ready;		/* workers that are prepared */
	unsigned int			running;	/* threads */
	pthread_t			threads[POSTERN_MAX_WORKERS];
	pthread_barrier_t		step;		/* all threads and the main one */
	sigset_t			stop_signals;
};

static int resolve(void *arg, const struct postern_addr *src, const struct postern_addr *dst,
		   struct steering_line *out)
{
	return steering_resolve(arg, src, dst, out);
}

static int dial_out(void *arg, const struct postern_addr *from, unsigned int *port,
		    const struct postern_addr *to)
{
	(void)arg;
	return dial(from, port, to);
}

static int dead(void *arg, const struct postern_addr *line, const struct postern_addr *dst,
		uint64_t until)
{
	return steering_dead_set(arg, line, dst, until);
}

/* Blocked in every thread; the main thread waits for them. */
static int block_signals(struct inspector *in)
{
	sigemptyset(&in->stop_signals);
	sigaddset(&in->stop_signals, SIGTERM);
	sigaddset(&in->stop_signals, SIGINT);
	signal(SIGPIPE, SIG_IGN);
	return -pthread_sigmask(SIG_BLOCK, &in->stop_signals, NULL);
}

static int compile_rules(struct inspector *in)
{
	char err[512] = "";
	int ret = verdict_rules_new(in->args->conf, &in->rules, err, sizeof(err));

	if (ret)
		log_error("rules cannot be compiled: %s", err);
	return ret;
}

/* As many descriptors as the sessions may need, as far as the hard limit allows. */
static int raise_limits(struct inspector *in)
{
	rlim_t want = (rlim_t)in->args->conf->max_sessions * 2 + OTHER_FDS;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return -errno;
	if (limit.rlim_max < want)
		log_warning("max_sessions is %lld, but %llu descriptors are enough for %llu "
			    "sessions only", (long long)in->args->conf->max_sessions,
			    (unsigned long long)limit.rlim_max,
			    (unsigned long long)(limit.rlim_max > OTHER_FDS ?
						 (limit.rlim_max - OTHER_FDS) / 2 : 0));
	if (limit.rlim_cur >= want)
		return 0;
	limit.rlim_cur = limit.rlim_max < want ? limit.rlim_max : want;
	return setrlimit(RLIMIT_NOFILE, &limit) ? -errno : 0;
}

static int share(struct inspector *in)
{
	const struct inspector_args *args = in->args;

	in->all.conf = args->conf;
	in->all.hostname = args->hostname;
	in->all.record_fd = args->record_fd;
	in->all.count = conf_workers(args->conf);
	in->all.outside = (struct outside){ resolve, dial_out, dead, args->steering };
	in->workers = calloc(in->all.count, sizeof(*in->workers));
	if (!in->workers)
		return -ENOMEM;
	return ticket_key_draw(&in->all.ticket_key);
}

static int prepare_worker(struct inspector *in, unsigned int i)
{
	struct steering *st = in->args->steering;
	unsigned int port = (unsigned int)in->args->conf->listen_port + i;
	struct verdict_bench *bench;
	int fd = listener_open(port), err;

	if (fd < 0) {
		log_error("worker %u: cannot listen on port %u: %s", i, port, strerror(-fd));
		return fd;
	}
	err = verdict_bench_new(in->rules, &bench);
	if (!err)
		err = worker_init(&in->workers[i], &in->all, i, fd, bench,
				  steering_heartbeats(st) + i, steering_tallies(st, i));
	if (err)
		close(fd);
	return err;
}

static int prepare_workers(struct inspector *in)
{
	int err = 0;

	for (; in->ready < in->all.count && !err; in->ready += !err)
		err = prepare_worker(in, in->ready);
	return err;
}

/* A thread is made and has settled before it is confined; it runs when all are. */
static void *thread_main(void *arg)
{
	struct worker *w = arg;
	struct inspector *in = (struct inspector *)((char *)w->all -
						    offsetof(struct inspector, all));

	pthread_barrier_wait(&in->step);
	pthread_barrier_wait(&in->step);
	return worker_run(w);
}

/* A thread inherits its maker's name, and could not change it in the sandbox. */
static int start_thread(struct inspector *in, unsigned int i)
{
	char name[24];		/* the kernel cuts it to 15 octets */

	snprintf(name, sizeof(name), "worker-%u", i);
	prctl(PR_SET_NAME, name);
	return -pthread_create(&in->threads[i], NULL, thread_main, &in->workers[i]);
}

static int start_threads(struct inspector *in)
{
	int err = -pthread_barrier_init(&in->step, NULL, in->all.count + 1);

	for (; in->running < in->all.count && !err; in->running += !err)
		err = start_thread(in, in->running);
	prctl(PR_SET_NAME, "inspector");
	if (!err)
		pthread_barrier_wait(&in->step);
	return err;
}

static int confine(struct inspector *in)
{
	(void)in;
	return sandbox_enter();
}

/* Connections arrive as soon as a worker has a listener in the map and beats. */
static int register_listeners(struct inspector *in)
{
	int err = 0;

	for (unsigned int i = 0; i < in->all.count && !err; i++)
		err = steering_listener_set(in->args->steering, i, in->workers[i].listener);
	return err;
}

/* A beat tells the keeper that the listener is in its place: so this is last. */
static int let_workers_run(struct inspector *in)
{
	pthread_barrier_wait(&in->step);
	return 0;
}

static const struct {
	const char *what;
	int (*step)(struct inspector *in);
} checklist[] = {
	{ "block signals",		block_signals },
	{ "compile the rules",		compile_rules },
	{ "raise the limit of descriptors", raise_limits },
	{ "share the settings",		share },
	{ "prepare the workers",	prepare_workers },
	{ "start the threads",		start_threads },
	{ "enter the sandbox",		confine },
	{ "register the listeners",	register_listeners },
	{ "let the workers run",	let_workers_run },
};

/* Wait for SIGTERM, let the workers drain, collect them. */
static void serve(struct inspector *in)
{
	int which;

	sigwait(&in->stop_signals, &which);
	log_info("stopping: sessions have %llu s to end",
		 (unsigned long long)(in->args->conf->drain_timeout / 1000000000));
	atomic_store(&in->all.drain, true);
	for (unsigned int i = 0; i < in->running; i++)
		worker_wake(&in->workers[i]);
	for (unsigned int i = 0; i < in->running; i++)
		pthread_join(in->threads[i], NULL);
}

static void tear_down(struct inspector *in)
{
	for (unsigned int i = 0; i < in->ready; i++) {
		struct verdict_bench *bench = in->workers[i].bench;

		worker_destroy(&in->workers[i]);
		verdict_bench_free(bench);
	}
	free(in->workers);
	verdict_rules_free(in->rules);
}

int inspector_run(const struct inspector_args *args)
{
	static struct inspector in;
	int err = 0;

	in.args = args;
	for (size_t i = 0; i < sizeof(checklist) / sizeof(checklist[0]) && !err; i++) {
		err = checklist[i].step(&in);
		if (err)
			log_error("inspector cannot %s: %s", checklist[i].what, strerror(-err));
	}
	/* Threads that wait at the barrier die with the process. */
	if (err)
		return EXIT_FAILURE;
	log_info("inspector runs with %u worker%s", in.all.count,
		 in.all.count == 1 ? "" : "s");
	serve(&in);
	tear_down(&in);
	return EXIT_SUCCESS;
}
