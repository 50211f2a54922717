// SPDX-License-Identifier: GPL-2.0
/* The worker of stage.h, and the world that it asks. */
#include "stage.h"

#include <errno.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/reason.h"

/* Turns in which nothing moves, before that is called a busy loop. */
#define TURNS_IDLE	50

#define WALL_START	(1700000000 * NS_PER_SEC)

#define WRAP(type, name, ...) \
	type __real_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__)

struct stage stage;

static const struct {
	const char	*name;
	size_t		param;
} waits[] = {
#define WAIT(name, param, reason, text) { #name, offsetof(struct conf, param) },
#include "tbl/waits.h"
#undef WAIT
};

/* The kernel, as far as the worker asks for it. */

static int resolve(void *arg, const struct postern_addr *src, const struct postern_addr *dst,
		   struct steering_line *out)
{
	(void)arg;
	(void)src;
	(void)dst;
	*out = stage.line;
	return stage.resolve_err;
}

static int dial_out(void *arg, const struct postern_addr *from, unsigned int *port,
		    const struct postern_addr *to)
{
	int fd;

	(void)arg;
	(void)from;
	(void)to;
	if (stage.port_taken)
		*port = 0;
	stage.dials++;
	if (stage.dialled == DIAL_LOCAL)
		return -EADDRNOTAVAIL;
	fd = wire_open(SERVER, true);
	if (stage.dialled == DIAL_TAKEN)
		wire_answer(0);
	else if (stage.dialled == DIAL_REFUSED)
		wire_answer(ECONNREFUSED);
	else if (stage.dialled == DIAL_UNREACHABLE)
		wire_answer(EHOSTUNREACH);
	return fd;
}

static int mark_dead(void *arg, const struct postern_addr *line, const struct postern_addr *dst,
		     uint64_t until)
{
	(void)arg;
	(void)line;
	(void)dst;
	if (until < wire.boot)
		stage.fault = "an exchanger was marked dead for no time";
	stage.dead++;
	return 0;
}

WRAP(int, own_open, struct own *o)
{
	(void)o;
	return 0;
}

WRAP(void, own_close, struct own *o)
{
	(void)o;
}

WRAP(bool, own_address, struct own *o, const struct postern_addr *a, uint64_t now)
{
	(void)o;
	(void)a;
	(void)now;
	return stage.own;
}

/* Replies are compared, and a ticket is one of their words. */
WRAP(void, ticket_write, const struct ticket_key *key, uint64_t number, char out[TICKET_TEXT])
{
	(void)key;
	(void)number;
	memcpy(out, "T1", 3);
}

/* The engine's events, on their way to the judge. */

static const struct smtp_ops *judge;

static const char *const event_words[] = {
	[SMTP_EV_HELO] = "helo", [SMTP_EV_MAIL] = "mail", [SMTP_EV_RCPT] = "rcpt",
	[SMTP_EV_RCPT_REFUSED] = "refused", [SMTP_EV_RESET] = "reset", [SMTP_EV_DATA] = "data",
	[SMTP_EV_MESSAGE] = "message", [SMTP_EV_NOTE] = "note",
};

static void see_event(void *owner, const struct smtp_event *ev)
{
	char words[128];

	if (ev->kind == SMTP_EV_MESSAGE)
		snprintf(words, sizeof(words), "%s %u", reason_name(ev->reason), ev->code);
	else if (ev->kind == SMTP_EV_NOTE)
		snprintf(words, sizeof(words), "note %s", reason_name(ev->reason));
	else if (ev->kind == SMTP_EV_RCPT_REFUSED)
		snprintf(words, sizeof(words), "refused %u", ev->code);
	else
		snprintf(words, sizeof(words), "%s", event_words[ev->kind]);
	bytes_add(&stage.events, words, strlen(words));
	if (ev->len)
		bytes_add(&stage.events, " ", 1);
	bytes_add(&stage.events, ev->text, ev->len);
	bytes_add(&stage.events, "\r\n", 2);
	judge->event(owner, ev);
}

static void see_content(void *owner, const char *data, size_t len)
{
	if (!len)
		stage.fault = "content of no octets was told";
	bytes_add(&stage.content, data, len);
	judge->content(owner, data, len);
}

static const struct smtp_ops seen = { see_event, see_content };

WRAP(void, smtp_init, struct smtp *s, const struct smtp_env *env, const struct smtp_ops *ops,
     void *owner)
{
	judge = ops;
	__real_smtp_init(s, env, &seen, owner);
}

WRAP(void, smtp_init_refused, struct smtp *s, const struct smtp_env *env,
     const struct smtp_ops *ops, void *owner, enum smtp_reply reply)
{
	judge = ops;
	if (reply == SMTP_REPLY_closing_overload)
		reply = stage.refusal;
	__real_smtp_init_refused(s, env, &seen, owner, reply);
}

/* Life. */

void stage_up(const struct conf *conf)
{
	stage.all = (struct workers){
		.conf = conf, .hostname = "rtr.example", .count = 1, .record_fd = WIRE_RECORD,
		.outside = { resolve, dial_out, mark_dead, NULL },
	};
	if (!wire.boot)
		wire.boot = 1000 * NS_PER_SEC;
	if (worker_init(&stage.w, &stage.all, 0, WIRE_LISTENER, (struct verdict_bench *)&stage,
			&stage.heartbeat, stage.tallies)) {
		perror("scenario: worker_init");
		exit(2);
	}
}

void stage_down(void)
{
	worker_destroy(&stage.w);
}

void stage_reset(enum hurdle hurdle)
{
	const struct conf *conf = stage.all.conf;

	if (stage.w.draining) {
		stage_down();
		stage_up(conf);
	}
	wire_reset(hurdle);
	wire.boot += NS_PER_SEC;
	wire.wall = WALL_START;
	memcpy(stage.before, stage.tallies, sizeof(stage.before));
	memset(&stage.all.answered, 0, sizeof(stage.all.answered));
	stage.begun = wire.boot;
	stage.line = (struct steering_line){ .treatment = POSTERN_STEER,
					     .shadow = conf->mode || conf->classes[0].mode };
	stage.resolve_err = 0;
	stage.own = stage.overload = stage.port_taken = false;
	stage.refusal = SMTP_REPLY_closing_overload;
	stage.dialled = DIAL_TAKEN;
	stage.plan = (struct verdict_plan){ .action = VERDICT_ACCEPT };
	stage.content.len = stage.events.len = 0;
	stage.dead = stage.dials = stage.sessions = 0;
	stage.fault = NULL;
}

void stage_connect(void)
{
	addr_to_sockaddr(&stage.client, 40000, &wire.peer);
	addr_to_sockaddr(&stage.server, stage.port, &wire.name);
	if (stage.overload)
		atomic_fetch_add(&stage.all.sessions, stage.all.conf->max_sessions);
	stage.sessions++;
	wire.waiting++;
	stage_settle();
	if (stage.overload)
		atomic_fetch_sub(&stage.all.sessions, stage.all.conf->max_sessions);
}

/* Octets that the worker has read and sent so far. */
static size_t moved(void)
{
	return wire.conn[CLIENT].read + wire.conn[SERVER].read + wire.conn[CLIENT].sent.len +
	       wire.conn[SERVER].sent.len;
}

void stage_settle(void)
{
	size_t before = moved();
	unsigned int idle = 0;

	while (worker_turn(&stage.w, 0) &&
	       (wire_ready() || stage.w.runnable || stage.w.released ||
		!wheel_wait(&stage.w.wheel, 1))) {
		idle = moved() == before ? idle + 1 : 0;
		before = moved();
		if (idle > TURNS_IDLE) {
			stage.fault = "the worker does not come to rest";
			return;
		}
	}
}

static void nearer(uint64_t *at, const struct timer *t)
{
	uint64_t ns = t->expires * NS_PER_MS;

	if (timer_running(t) && ns < *at)
		*at = ns;
}

void stage_pass(uint64_t ns)
{
	uint64_t until = wire.boot + ns, at;

	while (wire.boot < until && !stage.fault) {
		at = until;
		for (struct session *s = stage.w.sessions; s; s = s->next)
			nearer(&at, &s->timer);
		nearer(&at, &stage.w.deadline);
		nearer(&at, &stage.w.resume);
		if (at <= wire.boot)
			at = wire.boot + NS_PER_MS;
		wire.wall += at - wire.boot;
		wire.boot = at;
		stage_settle();
	}
}

struct session *stage_session(void)
{
	return stage.w.sessions;
}

const char *stage_waits(void)
{
	const struct session *s = stage_session();
	uint32_t epoch;

	if (!s)
		return "none";
	return s->server.connecting ? "dial" : waits[smtp_waiting(&s->smtp, &epoch)].name;
}

uint64_t stage_span(const char *row)
{
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
		if (!strcmp(row, waits[i].name))
			return *(const uint64_t *)((const char *)stage.all.conf + waits[i].param);
	return 0;
}

/* The row that says why a session ended, counted in this run. */
static const char *counted_reason(void)
{
	for (unsigned int i = 0; i < POSTERN_REASONS_MAX; i++)
		if (stage.tallies[i] != stage.before[i] &&
		    !strcmp(reason_origin(i), "SESSION"))
			return reason_name(i);
	return "none";
}

const char *stage_reason(void)
{
	const struct session *s = stage_session();

	if (!s)
		return counted_reason();
	return reason_name(s->reason ? s->reason : smtp_end_reason(&s->smtp));
}

void stage_judge(void)
{
	if (stage_session())
		worker_queue(&stage.w, stage_session());
	stage_settle();
}

void stage_shutdown(void)
{
	atomic_store(&stage.all.drain, true);
	worker_wake(&stage.w);
	wire.drain = true;
	stage_settle();
}

/* The end of a run. */

static unsigned int timers(const struct wheel *w)
{
	unsigned int n = 0;

	for (unsigned int level = 0; level < WHEEL_LEVELS; level++)
		for (uint64_t bits = w->occupied[level]; bits; bits &= bits - 1)
			for (const struct timer *t = w->slot[level][__builtin_ctzll(bits)]; t;
			     t = t->next)
				n++;
	return n;
}

static uint64_t grown(enum postern_reason reason)
{
	return stage.tallies[reason] - stage.before[reason];
}

static const char *leaked(void)
{
	const struct worker *w = &stage.w;

	if (w->slots.used || w->sessions || atomic_load(&stage.all.sessions))
		return "a session leaked";
	if (w->store.blocks.used || w->store.extra)
		return "a block of memory leaked";
	if (w->store.reserved || atomic_load(&stage.all.refusals))
		return "a reservation leaked";
	if (wire.conn[CLIENT].open || wire.conn[SERVER].open)
		return "a socket leaked";
	if (stage.scans)
		return "a scan leaked";
	if (timers(&w->wheel) != 1U + timer_running(&w->deadline) + timer_running(&w->resume))
		return "a timer leaked";
	return NULL;
}

/* I9: the counters add up. */
static const char *miscounted(void)
{
	uint64_t ends = 0;

	for (unsigned int i = 0; i < POSTERN_REASONS_MAX; i++)
		if (!strcmp(reason_origin(i), "SESSION"))
			ends += grown(i);
	if (ends != stage.sessions)
		return "not every session has ended for one reason";
	if (grown(POSTERN_R_message_started) !=
	    grown(POSTERN_R_message_accepted) + grown(POSTERN_R_message_rejected) +
	    grown(POSTERN_R_message_tempfailed) + grown(POSTERN_R_message_aborted))
		return "messages do not add up";
	return NULL;
}

void stage_end(void)
{
	wire.hurdle = HURDLE_NONE;
	wire_rst(CLIENT);
	stage_settle();
	while (stage_session())
		session_kill(stage_session(), POSTERN_R_end_shutdown);
	wire.waiting = 0;
	stage_settle();
	if (!stage.fault)
		stage.fault = leaked();
	if (!stage.fault)
		stage.fault = miscounted();
	wheel_stop(&stage.w.wheel, &stage.w.resume);
}
