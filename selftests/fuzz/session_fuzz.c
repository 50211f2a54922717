// SPDX-License-Identifier: GPL-2.0
/*
 * A real worker with one real session on the wire of selftests/scenario: the
 * fuzzer plays both ends, the clock, and every call's luck. Each input (see
 * steps.h) is played twice, with perfect input and output and with what its
 * troubles make of it, and the same must come out (B57, B7). In both the worker
 * comes to rest, leaks nothing, names the session's end and counts right (I9).
 * Of its own it has
 *
 *   ~ n m ..	troubles of the calls to come, over and over: 0 none, 1 EINTR,
 *		2 EAGAIN, 3 one octet, 4 half, 5 all but one octet
 *   W c n	the client (s: the exchanger) takes n octets at a time, and reads them
 *   w c n	it takes n octets and no more; nothing is compared then
 *   E err	the next send or receive fails: reset, pipe, nobufs; likewise
 *   T n	n milliseconds pass
 *   ! accept reject tempfail drop wait early broken	the verdicts to come
 *   ! client-fin client-reset server-fin server-reset shutdown answer refuse-line
 *   = dial refused|silent|unreachable|local, = memory octets, = overload 1,
 *   and the class settings of smtp_fuzz.c
 */
#include <errno.h>
#include <stdint.h>

#include "../scenario/stage.h"
#include "base/addr.h"
#include "base/clock.h"
#include "mutator.h"
#include "settings.h"
#include "steps.h"

#define TROUBLES	16
#define CALLS_FREE	4000
#define CALLS_PER_OCTET	16
#define STEP_TIME	(3600 * 1000)	/* ms that one step may let pass */
#define TIME_MOST	(6 * 3600 * 1000)

struct play {
	bool		troubled;
	bool		same;		/* what the other run gave may be asked for */
	unsigned int	trouble[TROUBLES];
	size_t		troubles, at;
	bool		stuck[SIDES + 1];
	unsigned int	drip[SIDES];	/* octets that it takes at a time; 0: all */
	int		fail_next;	/* errno */
	uint64_t	passed;		/* ms */
	size_t		octets;
	uint64_t	calls;
	bool		begun;
};

/* What came out of a run. */
struct result {
	struct bytes	sent[SIDES];
	struct bytes	content;
	struct bytes	events;
	char		reason[64];
	bool		reset;		/* of the upstream leg, by us */
};

static struct play now;
static struct conf *conf;
static struct conf_class class_before;
static size_t budget_before;

static void fail(const char *what)
{
	fprintf(stderr, "broken (%s): %s\n-- to client\n%.*s\n-- to server\n%.*s\n"
		"-- events\n%.*s\n",
		now.troubled ? "troubled" : "perfect", what,
		(int)wire.conn[CLIENT].sent.len, wire.conn[CLIENT].sent.data,
		(int)wire.conn[SERVER].sent.len, wire.conn[SERVER].sent.data,
		(int)stage.events.len, stage.events.data);
	abort();
}

/* Never two in a row that move nothing: a call that is tried again gets on. */
static int plan(enum side side, bool send, size_t *len)
{
	unsigned int what;
	int err = now.fail_next;

	if (err && side != SIDES) {
		now.fail_next = 0;
		return err;
	}
	if (!now.troubled || !now.troubles)
		return 0;
	what = now.trouble[now.at++ % now.troubles];
	now.stuck[side] = !now.stuck[side] && (what == 1 || what == 2);
	(void)send;
	if (now.stuck[side])
		return what == 1 || side == SIDES ? EINTR : EAGAIN;
	if (side == SIDES || *len < 2)
		return 0;
	if (what == 3)
		*len = 1;
	else if (what == 4)
		*len /= 2;
	else if (what == 5)
		--*len;
	return 0;
}

/* The far ends read on; a drip lets them take more. True when there was anything to do. */
static bool drip(void)
{
	bool more = false;
	int i;

	for (i = 0; i < SIDES; i++) {
		struct conn *c = &wire.conn[i];

		if (!now.drip[i] || !c->open || c->window)
			continue;
		wire_window((enum side)i, now.drip[i]);
		more = true;
	}
	return more && wire_ready();
}

static void settle(void)
{
	uint64_t most, before = wire.calls;

	do
		stage_settle();
	while (!stage.fault && drip());
	most = CALLS_FREE + CALLS_PER_OCTET * (now.octets + wire.conn[CLIENT].sent.len +
					       wire.conn[SERVER].sent.len);
	if (!stage.fault && wire.calls - before > most)
		stage.fault = "the worker makes too many calls";
	if (stage.fault)
		fail(stage.fault);
	if (now.begun && !stage_session() && !strcmp(stage_reason(), "none"))
		fail("the session ended for no reason");
}

static void pass(unsigned int ms)
{
	uint64_t before = wire.calls;

	if (ms > STEP_TIME)
		ms = STEP_TIME;
	if (now.passed + ms > TIME_MOST)
		return;
	now.passed += ms;
	stage_pass((uint64_t)ms * NS_PER_MS);
	settle();
	/* While nobody says a word only timers turn the loop. */
	if (wire.calls - before > CALLS_FREE + ms)
		fail("the worker is busy while nothing happens");
}

static void say(enum side side, const struct step *step)
{
	unsigned int i;

	for (i = 0; i < step->times; i++) {
		wire_send(side, step->text, step->len);
		now.octets += step->len;
		settle();
	}
}

static void happen_verdict(const char *word)
{
	static const char *const words[] = {
		[VERDICT_ACCEPT] = "accept", [VERDICT_REJECT] = "reject",
		[VERDICT_TEMPFAIL] = "tempfail", [VERDICT_DROP] = "drop",
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(word, words[i]))
			continue;
		stage.plan.action = (enum verdict_action)i;
		stage.plan.wait = false;
	}
	if (!strcmp(word, "wait"))
		stage.plan.wait = true;
	else if (!strcmp(word, "certain") && stage.scans)
		stage.plan.certain = true;
	else if (!strcmp(word, "early"))
		stage.plan.early = true;
	else if (!strcmp(word, "broken"))
		stage.plan.broken = true;
	stage_judge();
}

static void happen(const char *word)
{
	if (!strcmp(word, "client-fin"))
		wire_fin(CLIENT);
	else if (!strcmp(word, "server-fin") && !wire.conn[SERVER].connecting)
		wire_fin(SERVER);
	else if (!strcmp(word, "client-reset"))
		wire_rst(CLIENT);
	else if (!strcmp(word, "server-reset") && !wire.conn[SERVER].connecting)
		wire_rst(SERVER);
	else if (!strcmp(word, "answer"))
		wire_answer(0);
	else if (!strcmp(word, "refuse-line"))
		stage.line.treatment = POSTERN_REFUSE;
	else if (!strcmp(word, "shutdown"))
		stage_shutdown();
	else
		happen_verdict(word);
	settle();
}

static void set_window(const struct step *step)
{
	enum side side = step->text[0] == 's' ? SERVER : CLIENT;
	size_t n = step->len > 2 ? strtoul(step->text + 2, NULL, 10) : 0;

	if (step->kind == 'w') {
		now.same = false;
		now.drip[side] = 0;
		wire_window(side, n);
	} else if (now.troubled) {
		now.drip[side] = n > 100000 ? 0 : (unsigned int)n;
		wire_window(side, n ? n : SIZE_MAX);
	}
	settle();
}

static void set_failure(const char *word)
{
	now.same = false;
	now.fail_next = !strcmp(word, "pipe") ? EPIPE : !strcmp(word, "nobufs") ? ENOBUFS :
			ECONNRESET;
}

static void play_step(const struct step *step)
{
	unsigned int n;

	switch (step->kind) {
	case 'C': case 'c': say(CLIENT, step); break;
	case 'S': case 's': say(SERVER, step); break;
	case '!': happen(step->text); break;
	case 'W': case 'w': set_window(step); break;
	case 'E': set_failure(step->text); break;
	case '~': now.troubles = step_numbers(step, now.trouble, TROUBLES); break;
	case 'T':
		if (step_numbers(step, &n, 1))
			pass(n);
		break;
	}
}

static void set_stage(const char *text)
{
	if (!strcmp(text, "dial refused"))
		stage.dialled = DIAL_REFUSED;
	else if (!strcmp(text, "dial silent"))
		stage.dialled = DIAL_SILENT;
	else if (!strcmp(text, "dial unreachable"))
		stage.dialled = DIAL_UNREACHABLE;
	else if (!strcmp(text, "dial local"))
		stage.dialled = DIAL_LOCAL;
	else if (!strcmp(text, "overload 1"))
		stage.overload = true;
	else if (!strncmp(text, "memory ", 7)) {
		stage.w.store.budget = strtoul(text + 7, NULL, 10);
		now.same = false;
	}
}

static void begin(bool troubled)
{
	conf->classes[0] = class_before;
	stage.w.store.budget = budget_before;
	now = (struct play) { .troubled = troubled, .same = true };
	stage_reset(HURDLE_PLANNED);
	atomic_store(&stage.all.drain, false);
}

static void play(const uint8_t *data, size_t size, bool troubled)
{
	static struct step step;
	struct steps all = { (const char *)data, size, 0 };
	bool more;

	begin(troubled);
	while ((more = step_next(&all, &step)) && (step.kind == '=' || step.kind == '#')) {
		settings_set(&conf->classes[0], step.text);
		set_stage(step.text);
	}
	stage_connect();
	now.begun = true;
	settle();
	for (; more; more = step_next(&all, &step))
		play_step(&step);
	/* Whoever takes nothing more is gone by now, or will never be. */
	wire_window(CLIENT, SIZE_MAX);
	wire_window(SERVER, SIZE_MAX);
	settle();
}

static void keep(struct bytes *to, const struct bytes *from)
{
	to->len = 0;
	bytes_add(to, from->data, from->len);
}

static void keep_result(struct result *r)
{
	keep(&r->sent[CLIENT], &wire.conn[CLIENT].sent);
	keep(&r->sent[SERVER], &wire.conn[SERVER].sent);
	keep(&r->content, &stage.content);
	keep(&r->events, &stage.events);
	snprintf(r->reason, sizeof(r->reason), "%s", stage_reason());
	r->reset = wire.news & SERVER_RST;
}

static bool equal(const struct bytes *a, const struct bytes *b)
{
	return a->len == b->len && (!a->len || !memcmp(a->data, b->data, a->len));
}

static bool begins(const struct bytes *a, const struct bytes *b)
{
	size_t n = a->len < b->len ? a->len : b->len;

	return !n || !memcmp(a->data, b->data, n);
}

/*
 * What an upstream leg that we reset had got by then is luck: octets of a
 * message that is lost, or the command that an exchanger's last answer before
 * it talked nonsense had let go.
 */
static bool equal_up(const struct result *a, const struct result *b)
{
	if (a->reset && b->reset)
		return begins(&a->sent[SERVER], &b->sent[SERVER]);
	return equal(&a->sent[SERVER], &b->sent[SERVER]);
}

static void compare(const struct result *a)
{
	static struct result b;

	keep_result(&b);
	if (equal(&a->sent[CLIENT], &b.sent[CLIENT]) && equal_up(a, &b) &&
	    equal(&a->content, &b.content) && equal(&a->events, &b.events) &&
	    !strcmp(a->reason, b.reason))
		return;
	fprintf(stderr, "-- perfect: to client\n%.*s\n-- to server\n%.*s\n-- events\n%.*s\n"
		"-- reasons: %s, and now %s\n", (int)a->sent[CLIENT].len, a->sent[CLIENT].data,
		(int)a->sent[SERVER].len, a->sent[SERVER].data, (int)a->events.len,
		a->events.data, a->reason, b.reason);
	fail("the same comes out whatever becomes of the calls");
}

static void finish(void)
{
	stage_end();
	if (stage.fault)
		fail(stage.fault);
}

static void first_time(void)
{
	char err[512];

	if (conf_read("/dev/null", &conf, err, sizeof(err))) {
		fprintf(stderr, "%s\n", err);
		exit(2);
	}
	wire_plan = plan;
	class_before = conf->classes[0];
	addr_parse("10.64.0.2", &stage.client);
	addr_parse("198.51.100.25", &stage.server);
	stage.port = 25;
	stage_up(conf);
	budget_before = stage.w.store.budget;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct result perfect;

	if (!conf)
		first_time();
	play(data, size, false);
	keep_result(&perfect);
	finish();
	play(data, size, true);
	if (now.same)
		compare(&perfect);
	finish();
	return 0;
}
