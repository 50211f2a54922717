// SPDX-License-Identifier: GPL-2.0
/* The player of smtp_play.h: an owner of the engine without sockets. */
#include "smtp_play.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How the octets of a step are cut. */
struct cut {
	size_t	step;	/* this one, in two, behind `at` octets; SIZE_MAX = none */
	size_t	at;
	size_t	each;	/* all of them into pieces of so many, 0 = whole */
	bool	stutter;	/* every turn is tried without output room first */
};

struct player {
	const struct play	*play;
	struct cut		cut;
	struct owner		owner;
	struct bytes		want[KINDS];
	unsigned int		want_acts;
	size_t			step;		/* of octets, for cut */
	size_t			step_len[512];
	size_t			line;		/* of the script */
};

static const struct { const char *word; unsigned int act; } act_words[] = {
	{ "VERDICT", SMTP_ACT_VERDICT },
	{ "RESET_SERVER", SMTP_ACT_RESET_SERVER },
	{ "CLOSE_SERVER", SMTP_ACT_CLOSE_SERVER },
	{ "CLOSE_CLIENT", SMTP_ACT_CLOSE_CLIENT },
	{ "RESET_CLIENT", SMTP_ACT_RESET_CLIENT },
	{ "DISCARD_CLIENT", SMTP_ACT_DISCARD_CLIENT },
};

#define REASON(name, origin, effect, text) #name,
static const char *const reason_words[] = {
#include "tbl/reasons.h"
};
#undef REASON
#define WAIT(name, param, reason, text) #name,
static const char *const wait_words[] = {
#include "tbl/waits.h"
};
#undef WAIT

static void send_step(struct player *p, int side, const struct bytes *b)
{
	size_t step = p->step++, at = 0, n;

	p->step_len[step] = b->len;
	while (at < b->len) {
		n = b->len - at;
		if (p->cut.each && n > p->cut.each)
			n = p->cut.each;
		if (p->cut.step == step && at < p->cut.at && n > p->cut.at - at)
			n = p->cut.at - at;
		owner_send(&p->owner, side, b->data + at, n, p->cut.stutter);
		at += n;
	}
}

static void escape_add(struct bytes *b, const char **at, const char *end);

/* Octets of a script, escapes undone, up to @end. */
static void octets_add(struct bytes *b, const char *at, const char *end)
{
	while (at < end) {
		if (*at == '\\') {
			at++;
			escape_add(b, &at, end);
		} else {
			bytes_add(b, at++, 1);
		}
	}
}

/* "{N text}": the text N times. */
static void repeat_add(struct bytes *b, const char **at, const char *end)
{
	char *text;
	unsigned long n = strtoul(*at + 1, &text, 10);
	const char *close = memchr(text, '}', (size_t)(end - text));

	while (n--)
		octets_add(b, text + 1, close);
	*at = close + 1;
}

static void escape_add(struct bytes *b, const char **at, const char *end)
{
	static const char names[] = "rnt0", octets[] = "\r\n\t";
	const char *name = strchr(names, **at);
	char hex[3] = { 0 }, c = **at;

	if (c == '{') {
		repeat_add(b, at, end);
		return;
	}
	(*at)++;
	if (c == 'x') {
		memcpy(hex, *at, 2);
		c = (char)strtoul(hex, NULL, 16);
		*at += 2;
	} else if (name) {
		c = octets[name - names];
	}
	bytes_add(b, &c, 1);
}

/* A line of a script: CRLF behind it, unless it ends in "\_". */
static void text_add(struct bytes *b, const char *text, size_t len)
{
	bool bare = len >= 2 && text[len - 2] == '\\' && text[len - 1] == '_';

	octets_add(b, text, text + len - (bare ? 2 : 0));
	if (!bare)
		bytes_add(b, "\r\n", 2);
}

static bool same(const struct bytes *got, const struct bytes *want)
{
	size_t g = 0, w = 0;

	while (w < want->len) {
		if (want->len - w >= 5 && !memcmp(want->data + w, "...\r\n", 5)) {
			while (g < got->len && got->data[g] != '\n')
				g++;
			g++;
			w += 5;
			continue;
		}
		if (g >= got->len || got->data[g] != want->data[w])
			return false;
		g++;
		w++;
	}
	return g == got->len;
}

static int shown(const struct bytes *b)
{
	return b->len < 4000 ? (int)b->len : 4000;
}

static void compare(struct player *p)
{
	static const char *const names[] = { "to client", "to server", "content", "events" };
	struct bytes *got = p->owner.got, *want = p->want;
	int i;

	for (i = 0; i < KINDS; i++) {
		cr_assert(same(&got[i], &want[i]),
			  "%s: before line %zu, cut %zd/%zd/%zu: %s:\n-- got\n%.*s\n-- want\n%.*s",
			  p->play->name, p->line, p->cut.step, p->cut.at, p->cut.each, names[i],
			  shown(&got[i]), got[i].data, shown(&want[i]), want[i].data);
		got[i].len = want[i].len = 0;
	}
	cr_assert(p->owner.acts == p->want_acts, "%s: before line %zu: acts %#x, wanted %#x",
		  p->play->name, p->line, p->owner.acts, p->want_acts);
	p->owner.acts = p->want_acts = 0;
}

static bool word_is(const char *word, const char *text, size_t len)
{
	return strlen(word) == len && !memcmp(word, text, len);
}

static void happen(struct player *p, const char *word, size_t len)
{
	if (word_is("accept", word, len))
		smtp_verdict(&p->owner.smtp, VERDICT_ACCEPT);
	else if (word_is("reject", word, len))
		smtp_verdict(&p->owner.smtp, VERDICT_REJECT);
	else if (word_is("tempfail", word, len))
		smtp_verdict(&p->owner.smtp, VERDICT_TEMPFAIL);
	else if (word_is("drop", word, len))
		smtp_verdict(&p->owner.smtp, VERDICT_DROP);
	else if (word_is("client-fin", word, len))
		p->owner.eof[CLIENT] = true;
	else if (word_is("server-fin", word, len))
		p->owner.eof[SERVER] = true;
	else if (word_is("client-rst", word, len))
		smtp_client_lost(&p->owner.smtp);
	else if (word_is("server-rst", word, len))
		smtp_server_lost(&p->owner.smtp, true);
	else if (word_is("expire", word, len))
		smtp_expire(&p->owner.smtp);
	else if (word_is("refuse", word, len))
		smtp_refuse_data(&p->owner.smtp, SMTP_REPLY_memory);
	else if (word_is("shutdown", word, len))
		smtp_shutdown(&p->owner.smtp);
	else if (word_is("refused", word, len))
		smtp_finish(&p->owner.smtp, SMTP_REPLY_closing_refused, POSTERN_R_end_refused_line);
	else if (word_is("late", word, len))
		smtp_tunnel_late(&p->owner.smtp);
	else
		cr_assert(word_is("split", word, len), "%s: line %zu: unknown word", p->play->name,
			  p->line);
	owner_turns(&p->owner, p->cut.stutter);
}

static void want_acts(struct player *p, const char *text, size_t len)
{
	size_t i, n;

	while (len) {
		for (n = 0; n < len && text[n] != ' '; n++)
			;
		for (i = 0; i < sizeof(act_words) / sizeof(act_words[0]); i++)
			if (word_is(act_words[i].word, text, n))
				p->want_acts |= act_words[i].act;
		text += n;
		len -= n;
		if (len) {
			text++;
			len--;
		}
	}
}

static void want(struct player *p, char kind, const char *text, size_t len)
{
	uint32_t epoch;

	switch (kind) {
	case 'C': text_add(&p->want[TO_CLIENT], text, len); return;
	case 'S': text_add(&p->want[TO_SERVER], text, len); return;
	case 'B': text_add(&p->want[CONTENT], text, len); return;
	case 'E': text_add(&p->want[EVENTS], text, len); return;
	case 'A': want_acts(p, text, len); return;
	case 'W':
		cr_assert(word_is(wait_words[smtp_waiting(&p->owner.smtp, &epoch)], text, len),
			  "%s: line %zu: waits for %s", p->play->name, p->line,
			  wait_words[smtp_waiting(&p->owner.smtp, &epoch)]);
		return;
	case '=':
		cr_assert(word_is(reason_words[smtp_end_reason(&p->owner.smtp)], text, len),
			  "%s: line %zu: ended by %s", p->play->name, p->line,
			  reason_words[smtp_end_reason(&p->owner.smtp)]);
		return;
	}
	cr_assert_fail("%s: line %zu: unknown letter %c", p->play->name, p->line, kind);
}

static void start(struct player *p, const struct play *play)
{
	p->play = play;
	if (play->set)
		play->set(&p->owner.class);
	p->owner.env.shadow = play->shadow;
	owner_start(&p->owner, play->refused);
}

static void run(struct player *p, const struct play *play)
{
	const char *at = play->script, *end;
	struct bytes *step = malloc(sizeof(*step));
	int side;

	start(p, play);
	while (*at) {
		p->line++;
		end = at + strcspn(at, "\n");
		side = *at == '>' ? CLIENT : SERVER;
		if (*at != '>' && *at != '<' && *at != '!') {
			want(p, *at, at + 2, (size_t)(end - at - 2));
			at = *end ? end + 1 : end;
			continue;
		}
		compare(p);
		if (*at == '!') {
			happen(p, at + 2, (size_t)(end - at - 2));
			at = *end ? end + 1 : end;
			continue;
		}
		for (step->len = 0; *at == (side == CLIENT ? '>' : '<');
		     at = *end ? end + 1 : end) {
			end = at + strcspn(at, "\n");
			text_add(step, at + 2, (size_t)(end - at - 2));
		}
		send_step(p, side, step);
	}
	p->line++;
	compare(p);
	free(step);
}

static void player_reset(struct player *p, struct cut cut)
{
	int i;

	owner_reset(&p->owner);
	for (i = 0; i < KINDS; i++)
		p->want[i].len = 0;
	p->want_acts = 0;
	p->step = p->line = 0;
	p->cut = cut;
}

static void play_cuts(struct player *p, const struct play *play)
{
	static const struct cut forms[] = {
		{ .step = SIZE_MAX }, { .step = SIZE_MAX, .each = 1 },
		{ .step = SIZE_MAX, .each = 7 }, { .step = SIZE_MAX, .stutter = true },
	};
	size_t steps, step, at, i, stride;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		player_reset(p, forms[i]);
		run(p, play);
	}
	steps = p->step;
	for (step = 0; step < steps; step++) {
		stride = 1 + p->step_len[step] / 600;	/* every cut, but of the largest */
		for (at = 1; at < p->step_len[step]; at += stride) {
			player_reset(p, (struct cut) { .step = step, .at = at });
			run(p, play);
		}
	}
}

void play_all(const struct play *rows, size_t count)
{
	struct player *p = calloc(1, sizeof(*p));
	size_t i;

	for (i = 0; i < count; i++)
		play_cuts(p, &rows[i]);
	free(p);
}
