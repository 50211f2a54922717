// SPDX-License-Identifier: GPL-2.0
/* The clerk's loop. */
#include "control/clerk.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "control/addresses.h"
#include "control/decision.h"
#include "control/event_log.h"
#include "control/exchangers.h"
#include "control/server.h"

#define RECORDS_A_ROUND	256	/* then the others have their turn */

struct clerk {
	const struct clerk_args *args;
	struct server		server;
	struct addresses	addresses;
	struct event_log	log;
	struct exchangers	exchangers;
	struct steering_events	*decisions;
	volatile uint64_t	*tally;		/* row of keeper and clerk; we write log_dropped */
	uint64_t		bad;		/* records that were no line of JSON */
	int			signals;
	bool			stop;
	char			record[CLERK_RECORD];
};

/* Places of the poll array before those of the server. */
enum { POLL_SIGNAL, POLL_RECORD, POLL_ADDRESS, POLL_DECISION, POLL_SERVER };

static void put_workers(struct clerk *c, struct json *j)
{
	volatile uint64_t *beats = steering_heartbeats(c->args->steering);
	unsigned int workers = conf_workers(c->args->conf);
	uint64_t now = clock_boot();

	json_open(j, "workers", '[');
	for (unsigned int i = 0; i < workers; i++) {
		uint64_t beat = beats[i];

		json_open(j, NULL, '{');
		json_number(j, "worker", i);
		json_number(j, "beat_age_ms",
			    beat ? (int64_t)((now > beat ? now - beat : 0) / NS_PER_MS) : -1);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void put_counters(struct clerk *c, struct json *j)
{
	uint64_t counters[POSTERN_REASONS_MAX] = { 0 };

	if (steering_counters(c->args->steering, counters))
		return;
	json_number(j, "sessions", (int64_t)counters[POSTERN_R_session_started]);
	json_number(j, "log_dropped", (int64_t)counters[POSTERN_R_log_dropped]);
}

static int write_status(void *arg, char *buf, size_t size)
{
	struct clerk *c = arg;
	const struct page *page = c->args->page;
	char time[CLOCK_TEXT];
	struct json j;

	json_begin(&j, buf, size);
	json_text(&j, "time", clock_text(clock_wall(), time));
	json_text(&j, "event", "status");
	json_flag(&j, "ready", page->ready);
	json_number(&j, "uptime_s", (int64_t)((clock_boot() - page->started) / NS_PER_SEC));
	json_number(&j, "keeper", page->keeper);
	json_number(&j, "inspector", page->inspector);
	json_number(&j, "clerk", page->clerk);
	json_number(&j, "inspector_restarts", page->inspector_restarts);
	json_number(&j, "clerk_restarts", page->clerk_restarts);
	json_text(&j, "event_log", !*c->log.path ? "off" : c->log.failing ? "failing" : "ok");
	json_number(&j, "watchers", c->server.watchers);
	put_workers(c, &j);
	put_counters(c, &j);
	exchangers_put(&c->exchangers, &j);
	return json_end(&j);
}

/* The inspector reads strangers' octets: it is believed to write lines, not trusted to. */
static bool is_line(const char *record, size_t len)
{
	if (len < 3 || len > CLERK_RECORD || record[0] != '{' || record[len - 1] != '\n')
		return false;
	for (size_t i = 0; i < len - 1; i++)
		if (record[i] < ' ' || record[i] > '~')
			return false;
	return true;
}

static void count_dropped(struct clerk *c)
{
	c->tally[POSTERN_R_log_dropped]++;
}

static void take_record(struct clerk *c, size_t len)
{
	if (!is_line(c->record, len)) {
		if (c->bad++ == 0)
			log_error("a record of %zu octets is not a line of JSON; it and its like "
				  "are dropped", len);
		count_dropped(c);
		return;
	}
	if (!event_log_write(&c->log, c->record, len))
		count_dropped(c);
	exchangers_note(&c->exchangers, c->record, len, clock_wall());
	server_tell(&c->server, c->record, len);
}

/* Returns false when there are no more. */
static bool take_records(struct clerk *c)
{
	for (int i = 0; i < RECORDS_A_ROUND; i++) {
		ssize_t len = recv(c->args->record_fd, c->record, sizeof(c->record),
				   MSG_DONTWAIT | MSG_TRUNC);

		if (len <= 0)
			return false;
		take_record(c, (size_t)len);
	}
	return true;
}

static void show_decision(void *arg, const struct postern_event *event)
{
	struct clerk *c = arg;
	char line[DECISION_LINE];
	int len = decision_line(event, clock_wall() - (clock_boot() - event->when), line,
				sizeof(line));

	if (len > 0)
		server_tell(&c->server, line, (size_t)len);
}

/* The ring is read while somebody watches; a full one costs the kernel nothing. */
static void watch_decisions(struct clerk *c)
{
	int err;

	if (c->server.watchers && !c->decisions) {
		err = steering_events_open(c->args->steering, &c->decisions);
		if (err)
			log_error("kernel decisions cannot be read: %s", strerror(-err));
	} else if (!c->server.watchers && c->decisions) {
		steering_events_close(c->decisions);
		c->decisions = NULL;
	}
}

static void take_signals(struct clerk *c)
{
	struct signalfd_siginfo info;

	while (read(c->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			event_log_reopen(&c->log);
		else
			c->stop = true;
	}
}

static unsigned int fill_poll(const struct clerk *c, struct pollfd *p)
{
	p[POLL_SIGNAL] = (struct pollfd){ .fd = c->signals, .events = POLLIN };
	p[POLL_RECORD] = (struct pollfd){ .fd = c->args->record_fd, .events = POLLIN };
	p[POLL_ADDRESS] = (struct pollfd){ .fd = c->addresses.fd, .events = POLLIN };
	p[POLL_DECISION] = (struct pollfd){ .fd = -1, .events = POLLIN };
	if (c->decisions)
		p[POLL_DECISION].fd = steering_events_fd(c->decisions);
	return POLL_SERVER + server_poll(&c->server, p + POLL_SERVER);
}

/* Milliseconds until something is due, -1 = nothing is. */
static int wait_ms(const struct clerk *c, uint64_t now)
{
	uint64_t due = server_due(&c->server);

	if (c->addresses.due && c->addresses.due < due)
		due = c->addresses.due;
	if (due == UINT64_MAX)
		return -1;
	return due <= now ? 0 : (int)((due - now) / NS_PER_MS) + 1;
}

static void run_round(struct clerk *c)
{
	struct pollfd p[POLL_SERVER + 1 + SERVER_CLIENTS];
	unsigned int count = fill_poll(c, p);
	uint64_t now;

	if (poll(p, count, wait_ms(c, clock_boot())) < 0)
		return;		/* EINTR; or memory was short, and will be there again */
	now = clock_boot();
	if (p[POLL_SIGNAL].revents)
		take_signals(c);
	if (p[POLL_RECORD].revents)
		take_records(c);
	if (p[POLL_ADDRESS].revents)
		addresses_changed(&c->addresses, now);
	if (p[POLL_DECISION].revents)
		steering_events_read(c->decisions, show_decision, c);
	addresses_run(&c->addresses, c->args->steering, now);
	server_run(&c->server, p + POLL_SERVER, count - POLL_SERVER, now);
	watch_decisions(c);
}

static int signals_open(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int clerk_run(const struct clerk_args *args)
{
	static struct clerk c;

	c = (struct clerk){
		.args = args,
		.server = { .listener = args->control_fd, .status = write_status, .arg = &c },
		.log = { .path = args->conf->event_log, .fd = args->log_fd },
		.tally = steering_tallies(args->steering, POSTERN_KEEPER_ROW),
	};
	c.signals = signals_open();
	if (c.signals < 0 || addresses_open(&c.addresses))
		return 1;
	while (!c.stop)
		run_round(&c);
	while (take_records(&c))
		;		/* what the inspector left */
	return 0;
}
