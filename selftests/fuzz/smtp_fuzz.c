// SPDX-License-Identifier: GPL-2.0
/*
 * Both sides of an SMTP session, how their octets arrive, and what happens
 * meanwhile are the fuzzer's (steps.h). Each input is played three times: whole
 * under the eyes of the model (what must come out) and the observer (what must
 * never), then cut as the input says, then octet by octet; all must agree (B55,
 * B7). Of its own it has
 *
 *   ! accept reject tempfail drop	the verdict; too early, it is kept until asked for
 *   ! shutdown expire client-fin client-reset server-fin server-reset
 *   = auth|starttls|chunking|newlines word, = received|starttls_offer 0|1,
 *   = max_size|max_recipients|max_junk|max_line number, = refused 421|554
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "mutator.h"
#include "observer.h"
#include "settings.h"
#include "steps.h"

#define VERDICTS	16
#define CUTS		16
#define ONE_BY_ONE_MOST	2000

enum how { WHOLE, AS_CUT, ONE_BY_ONE, HOWS };

struct play {
	struct owner	owner;
	struct observer	observer;
	struct model	model;
	enum how	how;
	unsigned int	cut[CUTS];
	size_t		cuts, cut_at;
	size_t		room;		/* tried first; SMTP_OUTPUT_ROOM: no try */
	bool		silent[2];	/* has ended its side */
	bool		judged;		/* the message in progress */
	unsigned int	started;	/* messages at the last look */
	enum verdict_action waiting[VERDICTS], given[VERDICTS];
	size_t		waits, gives;
};

static struct play plays[HOWS];

static void fail(const struct play *p, const char *what)
{
	static const char *const names[] = { "whole", "as cut", "one by one" };
	static const char *const kinds[] = { "to client", "to server", "content", "events" };
	int i;

	fprintf(stderr, "broken (%s): %s\n", names[p->how], what);
	for (i = 0; i < KINDS; i++)
		fprintf(stderr, "-- %s\n%.*s\n", kinds[i], (int)p->owner.got[i].len,
			p->owner.got[i].data);
	fprintf(stderr, "-- model: up\n%.*s\n-- model: replies %zu of %zu, theirs\n%.*s\n",
		(int)p->model.up.len, p->model.up.data, p->model.matched, p->model.replies,
		(int)p->model.text.len, p->model.text.data);
	abort();
}

static void look(struct play *p)
{
	const char *what = observer_look(&p->observer);

	if (what)
		fail(p, what);
	p->judged &= p->started == p->owner.started;
	p->started = p->owner.started;
}

static bool in_message(const struct play *p)
{
	return p->owner.started > p->owner.ended && !p->judged;
}

static void turns(struct play *p);

static void judge(struct play *p, enum verdict_action action)
{
	p->judged = true;
	if (p->gives < VERDICTS)
		p->given[p->gives++] = action;
	if (action == VERDICT_ACCEPT)
		p->observer.accepts++;
	p->owner.acts &= ~(unsigned int)SMTP_ACT_VERDICT;
	smtp_verdict(&p->owner.smtp, action);
	turns(p);
}

/* Turns until nothing changes, and the verdict if it is asked for and there. */
static void turns(struct play *p)
{
	size_t had;

	if (p->room < SMTP_OUTPUT_ROOM) {
		do {
			had = p->owner.got[TO_CLIENT].len + p->owner.got[TO_SERVER].len;
			owner_turn(&p->owner, p->room);
		} while (had != p->owner.got[TO_CLIENT].len + p->owner.got[TO_SERVER].len);
	}
	owner_turns(&p->owner, p->how == ONE_BY_ONE);
	look(p);
	if ((p->owner.acts & SMTP_ACT_VERDICT) && in_message(p) && p->waits) {
		enum verdict_action action = p->waiting[0];

		memmove(p->waiting, p->waiting + 1, --p->waits * sizeof(p->waiting[0]));
		judge(p, action);
	}
}

static size_t piece(struct play *p, size_t left)
{
	size_t n = left;

	if (p->how == ONE_BY_ONE)
		n = 1;
	else if (p->how == AS_CUT && p->cuts)
		n = p->cut[p->cut_at++ % p->cuts];
	return n && n < left ? n : left;
}

/* The owner's buffer is bounded: what is held back for good is lost, and the model blind. */
static void deliver(struct play *p, int side, const char *data, size_t len)
{
	size_t most = side == CLIENT ? SMTP_CLIENT_INPUT : SMTP_SERVER_INPUT, n;

	while (len) {
		n = most - p->owner.in[side].len;
		n = n < len ? n : len;
		if (!n)
			model_loosen(&p->model);
		if (!n)
			return;
		bytes_add(&p->owner.in[side], data, n);
		data += n;
		len -= n;
		turns(p);
	}
}

static void check_model(struct play *p)
{
	size_t i;

	for (i = 0; i < p->gives; i++)
		model_verdict(&p->model, p->given[i]);
	p->gives = 0;
	if (p->how == WHOLE && model_check(&p->model))
		fail(p, model_check(&p->model));
}

static void say(struct play *p, int side, const struct step *step)
{
	size_t at, n;
	unsigned int i;

	for (i = 0; i < step->times && !p->silent[side]; i++) {
		if (side == CLIENT)
			observer_said(&p->observer, step->text, step->len);
		for (at = 0; at < step->len; at += n) {
			n = piece(p, step->len - at);
			deliver(p, side, step->text + at, n);
		}
		if (side == CLIENT)
			model_client(&p->model, step->text, step->len);
		else
			model_server(&p->model, step->text, step->len);
		check_model(p);
	}
}

static void happen_verdict(struct play *p, enum verdict_action action)
{
	bool due = p->owner.acts & SMTP_ACT_VERDICT;

	if (in_message(p) && (due || action != VERDICT_ACCEPT))
		judge(p, action);
	else if (p->waits < VERDICTS)
		p->waiting[p->waits++] = action;
	check_model(p);
}

/* Is the session over? */
static bool ended(const struct play *p)
{
	return p->owner.acts & (SMTP_ACT_CLOSE_CLIENT | SMTP_ACT_RESET_CLIENT);
}

static void client_reset(struct play *p)
{
	size_t had = p->owner.got[TO_SERVER].len;

	smtp_client_lost(&p->owner.smtp);
	turns(p);
	if (p->owner.got[TO_SERVER].len != had)
		fail(p, "nothing goes up for a client that is gone");
	if (!ended(p))
		fail(p, "a session without a client ends");
}

static void happen(struct play *p, const char *word)
{
	static const char *const verdicts[] = {
		[VERDICT_ACCEPT] = "accept", [VERDICT_REJECT] = "reject",
		[VERDICT_TEMPFAIL] = "tempfail", [VERDICT_DROP] = "drop",
	};
	struct smtp *s = &p->owner.smtp;
	size_t i;

	for (i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
		if (!strcmp(word, verdicts[i])) {
			happen_verdict(p, (enum verdict_action)i);
			return;
		}
	}
	model_loosen(&p->model);
	if (!strcmp(word, "shutdown")) {
		smtp_shutdown(s);
	} else if (!strcmp(word, "expire")) {
		smtp_expire(s);
	} else if (!strcmp(word, "server-reset") && !p->silent[SERVER]) {
		smtp_server_lost(s, true);
		p->silent[SERVER] = true;
	} else if (!strcmp(word, "server-fin")) {
		p->owner.eof[SERVER] = p->silent[SERVER] = true;
	} else if (!strcmp(word, "client-fin")) {
		p->owner.eof[CLIENT] = p->silent[CLIENT] = true;
	} else if (!strcmp(word, "client-reset")) {
		p->silent[CLIENT] = true;
		client_reset(p);
	}
	turns(p);
}

/* Settings stand in front; returns the code of a greeting of ours. */
static unsigned int choose(struct play *p, struct steps *all, struct step *step, bool *more)
{
	struct conf_class *class = &p->owner.class;
	unsigned int refused = 0;

	class->max_junk = 100;
	class->max_line = 1024 * 1024;
	while ((*more = step_next(all, step)) && (step->kind == '=' || step->kind == '#')) {
		settings_set(class, step->text);
		if (!strncmp(step->text, "refused ", 8))
			refused = step->text[8] == '5' ? 554 : 421;
	}
	return refused;
}

static void start(struct play *p, enum how how)
{
	memset(&p->how, 0, sizeof(*p) - offsetof(struct play, how));
	owner_reset(&p->owner);
	p->how = how;
	p->room = SMTP_OUTPUT_ROOM;
}

static void play_step(struct play *p, const struct step *step)
{
	unsigned int room;

	switch (step->kind) {
	case 'C': case 'c': say(p, CLIENT, step); break;
	case 'S': case 's': say(p, SERVER, step); break;
	case '!': happen(p, step->text); break;
	case '/':
		p->cuts = step_numbers(step, p->cut, CUTS);
		p->cut_at = 0;
		break;
	case '<':
		if (p->how == AS_CUT && step_numbers(step, &room, 1))
			p->room = room;
		break;
	}
}

/* Returns how many octets were said. */
static size_t play(struct play *p, enum how how, const uint8_t *data, size_t size)
{
	static struct step step;
	struct steps all = { (const char *)data, size, 0 };
	unsigned int refused;
	bool more;

	start(p, how);
	refused = choose(p, &all, &step, &more);
	owner_start(&p->owner, refused == 554 ? SMTP_REPLY_quarantine :
			       refused ? SMTP_REPLY_closing_overload : SMTP_REPLY_COUNT);
	observer_start(&p->observer, &p->owner);
	model_start(&p->model, &p->owner, refused);
	if (how != WHOLE)
		model_loosen(&p->model);
	for (; more; more = step_next(&all, &step))
		play_step(p, &step);
	check_model(p);
	client_reset(p);
	if (p->owner.started != p->owner.ended)
		fail(p, "each message begun is ended");
	return all.spent;
}

static void compare(const struct play *a, const struct play *b)
{
	int i;

	for (i = 0; i < KINDS; i++)
		if (a->owner.got[i].len != b->owner.got[i].len ||
		    memcmp(a->owner.got[i].data, b->owner.got[i].data, a->owner.got[i].len))
			break;
	if (i == KINDS && a->owner.acts == b->owner.acts &&
	    smtp_end_reason(&a->owner.smtp) == smtp_end_reason(&b->owner.smtp))
		return;
	for (i = 0; i < TO_SERVER + 1; i++)
		fprintf(stderr, "-- whole:\n%.*s\n", (int)a->owner.got[i].len,
			a->owner.got[i].data);
	fprintf(stderr, "whole: acts %x, reason %d; here: acts %x, reason %d\n", a->owner.acts,
		smtp_end_reason(&a->owner.smtp), b->owner.acts, smtp_end_reason(&b->owner.smtp));
	fail(b, "it does not matter how octets arrive");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t said = 0;
	int how;

	/* Long inputs cut to single octets take seconds and show nothing new. */
	for (how = WHOLE; how < (said < ONE_BY_ONE_MOST ? HOWS : ONE_BY_ONE); how++) {
		said = play(&plays[how], (enum how)how, data, size);
		if (how != WHOLE)
			compare(&plays[WHOLE], &plays[how]);
	}
	return 0;
}
