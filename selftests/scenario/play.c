// SPDX-License-Identifier: GPL-2.0
/* The player of play.h. */
#include "play.h"

#include <ctype.h>
#include <jansson.h>
#include <stdarg.h>

#include "base/clock.h"
#include "base/reason.h"
#include "happen.h"
#include "stage.h"

#define SHOWN	300	/* octets of an output that a fault shows */

enum output { TO_CLIENT, TO_SERVER, CONTENT, EVENTS, OUTPUTS };

static const char *const output_names[OUTPUTS] = { "to client", "to exchanger", "content",
						   "events" };
static const char output_letters[] = "CSBE";

/* What is expected since the last look. */
static struct bytes want[OUTPUTS];
static unsigned int want_news;

static struct bytes *output(enum output o)
{
	switch (o) {
	case TO_CLIENT:	return &wire.conn[CLIENT].sent;
	case TO_SERVER:	return &wire.conn[SERVER].sent;
	case CONTENT:	return &stage.content;
	case EVENTS:	return &stage.events;
	case OUTPUTS:	break;
	}
	return NULL;
}

/* Faults. */

static void describe(const struct form *f, char *out, size_t size)
{
	if (f->hurdle == HURDLE_ONE_OCTET)
		snprintf(out, size, "one octet taken at a time");
	else if (f->hurdle == HURDLE_SHORT)
		snprintf(out, size, "short and interrupted calls");
	else if (f->each)
		snprintf(out, size, "%zu octets a segment", f->each);
	else if (f->step != SIZE_MAX)
		snprintf(out, size, "step %zu cut behind %zu octets", f->step + 1, f->at);
	else
		snprintf(out, size, "whole");
}

static bool fault(struct play *p, const struct line *line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Note the first fault; false. */
static bool fault(struct play *p, const struct line *line, const char *fmt, ...)
{
	char form[64];
	va_list args;
	int n;

	if (p->fault[0])
		return false;
	describe(&p->form, form, sizeof(form));
	n = snprintf(p->fault, sizeof(p->fault), "%s:%u (%s): ", p->scenario->file, line->number,
		     form);
	va_start(args, fmt);
	vsnprintf(p->fault + n, sizeof(p->fault) - (size_t)n, fmt, args);
	va_end(args);
	return false;
}

/* Octets as a script would write them, cut. */
static const char *shown(const char *data, size_t len, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < len && i < SHOWN && n + 8 < size; i++) {
		unsigned char c = (unsigned char)data[i];

		if (c == '\r' || c == '\n')
			n += (size_t)sprintf(out + n, "\\%c", c == '\r' ? 'r' : 'n');
		else if (isprint(c) && c != '\\')
			out[n++] = (char)c;
		else
			n += (size_t)sprintf(out + n, "\\x%02x", c);
	}
	snprintf(out + n, size - n, "%s", len > SHOWN ? "..." : "");
	return out;
}

/* Comparing. */

/*
 * Is @got what was wanted, "..." at the end of a line standing for anything?
 * @partly: the first part of it is enough. @at: where @got differs.
 */
static bool same(const struct bytes *got, const struct bytes *w, bool partly, size_t *at)
{
	size_t g = 0, k = 0;

	*at = 0;
	while (k < w->len && !(partly && g >= got->len)) {
		if (w->len - k >= 5 && !memcmp(w->data + k, "...\r\n", 5)) {
			while (g < got->len && got->data[g] != '\n')
				g++;
			if (g++ >= got->len)
				return partly;
			k += 5;
			*at = g;
			continue;
		}
		if (g >= got->len || got->data[g] != w->data[k])
			return false;
		k++;
		if (got->data[g++] == '\n')
			*at = g;
	}
	return g >= got->len;
}

/* The wanted octets from the line on that stands where @got begins to differ. */
static const char *wanted_from(const struct bytes *got, size_t at, const struct bytes *w,
			       size_t *len)
{
	size_t k = 0;

	for (size_t g = 0; g < at; g++)
		if (got->data[g] == '\n')
			while (k < w->len && w->data[k++] != '\n')
				;
	*len = w->len - k;
	return w->data + k;
}

/*
 * A leg that is reset takes with it what was on its way: how much of it comes
 * out depends on the segments. To the client all comes while it can be sent.
 */
static bool may_be_cut(const struct play *p, enum output o)
{
	if (o == TO_SERVER)
		return wire.news & SERVER_RST;
	return o == TO_CLIENT && wire.news & CLIENT_RST && p->form.hurdle != HURDLE_NONE;
}

/*
 * Where the exchanger takes only so much, how far the message is read ahead
 * depends on the segments. What was not told yet is still expected.
 */
static bool read_ahead(enum output o)
{
	return o == CONTENT && wire.conn[SERVER].window != SIZE_MAX;
}

static void drop_front(struct bytes *b, size_t len)
{
	b->len -= len;
	if (len)
		memmove(b->data, b->data + len, b->len);
}

static bool compare_output(struct play *p, const struct line *line, enum output o)
{
	struct bytes *got = output(o);
	char came[2 * SHOWN], wanted[2 * SHOWN];
	const char *from;
	size_t at, len;

	if (!same(got, &want[o], may_be_cut(p, o) || read_ahead(o), &at)) {
		from = wanted_from(got, at, &want[o], &len);
		return fault(p, line, "%s: expected \"%s\", came \"%s\"", output_names[o],
			     shown(from, len, wanted, sizeof(wanted)),
			     shown(got->data + at, got->len - at, came, sizeof(came)));
	}
	drop_front(&want[o], read_ahead(o) ? got->len : want[o].len);
	got->len = 0;
	return true;
}

static void news_text(unsigned int news, char *out)
{
	static const char *const words[] = { "client-fin", "client-rst", "server-fin",
					     "server-rst" };

	*out = '\0';
	for (int i = 0; i < 4; i++)
		if (news & 1U << i)
			out += sprintf(out, "%s%s", news & ((1U << i) - 1) ? " " : "", words[i]);
}

static void show_output(enum output o)
{
	const struct bytes *b = output(o);
	char text[4096];
	size_t at, end;

	for (at = 0; at < b->len; at = end) {
		for (end = at; end < b->len && b->data[end] != '\n'; end++)
			;
		end += end < b->len;
		shown(b->data + at, end - at, text, sizeof(text));
		printf("    %c %s\n", output_letters[o], text);
	}
}

static void show_all(void)
{
	char news[64];

	for (int o = 0; o < OUTPUTS; o++)
		show_output((enum output)o);
	news_text(wire.news, news);
	if (*news)
		printf("    X %s\n", news);
	printf("    W %s\n", stage_waits());
	if (strcmp(stage_reason(), "none") != 0)
		printf("    = %s\n", stage_reason());
}

/* Exactly what was expected has come since the last look, up to before @line. */
static bool look(struct play *p, const struct line *line)
{
	char came[64], wanted[64];

	if (p->show)
		show_all();
	if (stage.fault)
		return fault(p, line, "%s", stage.fault);
	for (int o = 0; o < OUTPUTS; o++)
		if (!compare_output(p, line, (enum output)o))
			return false;
	news_text(wire.news, came);
	news_text(want_news, wanted);
	if (wire.news != want_news)
		return fault(p, line, "legs: expected \"%s\", came \"%s\"", wanted, came);
	wire.news = want_news = 0;
	return true;
}

/* Steps. */

/* How many of the octets from @at on are one segment. */
static size_t segment(const struct form *f, size_t step, size_t at, size_t len)
{
	size_t n = len - at;

	if (f->each && n > f->each)
		n = f->each;
	if (f->step == step && at < f->at && n > f->at - at)
		n = f->at - at;
	return n;
}

static bool say(struct play *p, const struct line *line, enum side side)
{
	size_t step = p->steps++, at = 0, n;

	if (step >= PLAY_STEPS)
		return fault(p, line, "too many steps");
	p->step_len[step] = line->text.len;
	while (at < line->text.len && !stage.fault) {
		n = segment(&p->form, step, at, line->text.len);
		wire_send(side, line->text.data + at, n);
		stage_settle();
		at += n;
	}
	return true;
}

static bool expect_legs(struct play *p, const struct line *line)
{
	static const struct { const char *word; unsigned int bit; } rows[] = {
		{ "client-fin", CLIENT_FIN }, { "client-rst", CLIENT_RST },
		{ "server-fin", SERVER_FIN }, { "server-rst", SERVER_RST },
	};
	char text[128], *save, *word;

	snprintf(text, sizeof(text), "%s", line->text.data);
	for (word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		unsigned int before = want_news;

		for (int i = 0; i < 4; i++)
			if (!strcmp(word, rows[i].word))
				want_news |= rows[i].bit;
		if (want_news == before)
			return fault(p, line, "no such news of a leg: %s", word);
	}
	return true;
}

static bool expect_word(struct play *p, const struct line *line, const char *what,
			const char *now)
{
	if (!strcmp(line->text.data, now))
		return true;
	return fault(p, line, "%s: expected %s, is %s", what, line->text.data, now);
}

/* How much a row of tbl/reasons.h has grown, or what only the stage counts. */
static bool count_of(const char *name, uint64_t *out)
{
	if (!strcmp(name, "dead") || !strcmp(name, "dials")) {
		*out = *name == 'd' && name[1] == 'e' ? stage.dead : stage.dials;
		return true;
	}
	for (unsigned int i = 0; i < POSTERN_R_COUNT; i++) {
		if (!strcmp(reason_name(i), name)) {
			*out = stage.tallies[i] - stage.before[i];
			return true;
		}
	}
	return false;
}

static bool expect_count(struct play *p, const struct line *line)
{
	char name[64];
	unsigned long long n;
	uint64_t now;

	if (sscanf(line->text.data, "%63s %llu", name, &n) != 2 || !count_of(name, &now))
		return fault(p, line, "no such counter, or no number: %s", line->text.data);
	if (now != n)
		return fault(p, line, "counter %s: expected %llu, is %llu", name, n,
			     (unsigned long long)now);
	return true;
}

/* "a.b" of an object as text. */
static char *field_text(json_t *j, const char *path)
{
	char name[64];
	size_t len;

	for (; j && *path; path += len + (path[len] == '.')) {
		len = strcspn(path, ".");
		snprintf(name, sizeof(name), "%.*s", (int)len, path);
		j = json_object_get(j, name);
	}
	if (j && json_is_string(j))
		return strdup(json_string_value(j));
	return j ? json_dumps(j, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
}

/* Of the session's record; with "verdict:" in front of the key, of the last verdict's. */
static bool expect_field(struct play *p, const struct line *line)
{
	const char *text = line->text.data;
	bool verdict = !strncmp(text, "verdict:", 8);
	size_t len = strcspn(text, " ");
	const char *value = text[len] ? text + len + 1 : "";
	char key[64], *now;
	json_t *j = json_loads(wire.record[!verdict], 0, NULL);
	bool ok;

	snprintf(key, sizeof(key), "%.*s", (int)len, text);
	now = field_text(j, key + (verdict ? 8 : 0));
	ok = now && !strcmp(now, value);
	if (!ok)
		fault(p, line, "record, %s: expected %s, is %s", key, value,
		      now ? now : j ? "no field" : "not written");
	free(now);
	json_decref(j);
	return ok;
}

static bool expect(struct play *p, const struct line *line)
{
	const char *letter = strchr(output_letters, line->kind);

	if (letter) {
		bytes_add(&want[letter - output_letters], line->text.data, line->text.len);
		return true;
	}
	switch (line->kind) {
	case 'X':	return expect_legs(p, line);
	case 'W':	return expect_word(p, line, "wait", stage_waits());
	case '=':	return expect_word(p, line, "reason", stage_reason());
	case 'K':	return expect_count(p, line);
	case 'R':	return expect_field(p, line);
	}
	return true;		/* a setting */
}

static bool act(struct play *p, const struct line *line)
{
	const char *wrong;

	if (!look(p, line))
		return false;
	if (p->show) {
		char text[2 * SHOWN];

		printf("%5llu.%03llus %c %s\n",
		       (unsigned long long)((wire.boot - stage.begun) / NS_PER_SEC),
		       (unsigned long long)((wire.boot - stage.begun) / NS_PER_MS % 1000),
		       line->kind, shown(line->text.data, line->text.len, text, sizeof(text)));
	}
	if (line->kind == '>' || line->kind == '<')
		return say(p, line, line->kind == '>' ? CLIENT : SERVER);
	wrong = line->kind == 'T' ? happen_time(line->text.data) : happen(line->text.data);
	return !wrong || fault(p, line, "%s: %s", wrong, line->text.data);
}

static bool step(struct play *p, const struct line *line)
{
	if (!stage.sessions && line->kind != 's' &&
	    !(line->kind == '!' && happen_before(line->text.data)))
		stage_connect();
	return strchr("><!T", line->kind) ? act(p, line) : expect(p, line);
}

bool play_run(struct play *p)
{
	const struct scenario *s = p->scenario;
	const struct line end = { .number = s->count ? s->lines[s->count - 1].number : s->number };
	bool ok = true;

	p->steps = 0;
	p->fault[0] = '\0';
	for (int o = 0; o < OUTPUTS; o++)
		want[o].len = 0;
	want_news = 0;
	stage_reset(p->form.hurdle);
	for (size_t i = 0; i < s->count && ok; i++)
		ok = step(p, &s->lines[i]);
	ok = ok && look(p, &end);
	stage_end();
	if (ok && stage.fault)
		ok = fault(p, &end, "%s", stage.fault);
	return ok;
}
