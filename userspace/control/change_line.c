// SPDX-License-Identifier: GPL-2.0
/* Exemptions, refusals, and who is on which line. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/clock.h"
#include "control/map_edit.h"

#define END_TEXT	48	/* " until 2027-01-31T17:00:00Z" */

static const char *const words[] = {
	[POSTERN_EXEMPT] = "exempt",
	[POSTERN_REFUSE] = "refused",
};

/* Was it meant as an address? Then a fault in it is not a subscriber's name. */
static bool looks_numeric(const char *text)
{
	size_t dotted = strspn(text, "0123456789./");
	size_t coloned = strspn(text, "0123456789abcdefABCDEF:./");

	return !text[dotted] || (!text[coloned] && strchr(text, ':'));
}

static int find_subscriber(struct change *c, const char *text, unsigned int flags,
			   struct change_target *out)
{
	int err;

	if (!*text || strlen(text) >= sizeof(out->name))
		return change_fail(c, -EINVAL, "a subscriber's name has 1 to %d octets",
				   STATE_NAME - 1);
	out->scope = STATE_SUBSCRIBER;
	snprintf(out->name, sizeof(out->name), "%s", text);
	err = state_subscriber_find(c->state, text, &out->subscriber);
	if (err == -ENOENT && (flags & CHANGE_MAKE))
		return 0;
	if (err == -ENOENT)
		return change_fail(c, err, "%s: no such subscriber; expected an address, a prefix, "
				   "or a name that `postern subscriber list` shows (--new makes "
				   "a new one)", text);
	return change_stored(c, err);
}

/* A prefix that is not one whole line: it must lie within a pool. */
static int find_prefix(struct change *c, struct change_target *out)
{
	struct postern_prefix around;
	struct postern_pool pool;
	char text[ADDR_TEXT], line[ADDR_TEXT];
	int err = change_pool_around(c, &out->prefix, &around, &pool);

	prefix_text(&out->prefix, text);
	if (err == -ENOENT)
		return change_fail(c, err, "no pool holds %s; `postern pool list` shows the pools",
				   text);
	if (err)
		return err;
	if (around.prefix_len == out->prefix.prefix_len)
		return change_fail(c, -EEXIST, "%s is a pool; its treatment is set by "
				   "`postern pool add %s --treatment exempt|refuse|steer`, or in "
				   "postern.conf", text, text);
	if (out->prefix.prefix_len > pool.line_len) {
		around = out->prefix;
		around.prefix_len = pool.line_len;
		addr_mask(&around.addr, around.prefix_len);
		return change_fail(c, -EINVAL, "%s is only a part of the line %s; name the line",
				   text, prefix_text(&around, line));
	}
	out->scope = out->prefix.prefix_len == pool.line_len ? STATE_LINE : STATE_PREFIX;
	return 0;
}

static int find_address(struct change *c, struct change_target *out)
{
	struct postern_addr addr = out->prefix.addr;
	char text[ADDR_TEXT], line[ADDR_TEXT];
	int err = change_line_of(c, &addr, &out->prefix);

	if (err)
		return err;
	out->scope = STATE_LINE;
	if (out->prefix.prefix_len < 128)
		change_say(c, "%s is on the line %s", addr_text(&addr, text),
			   prefix_text(&out->prefix, line));
	return 0;
}

/* Was something said of exactly this line or prefix? */
static bool known(struct change *c, struct change_target *out)
{
	static const enum state_scope scopes[] = { STATE_LINE, STATE_PREFIX };

	for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++) {
		struct state_treatment t, key = { .scope = scopes[i], .prefix = out->prefix };

		if (state_treatment_get(c->state, &key, &t))
			continue;
		out->scope = scopes[i];
		return true;
	}
	return false;
}

int change_target_find(struct change *c, const char *text, unsigned int flags,
		       struct change_target *out)
{
	int err;

	memset(out, 0, sizeof(*out));
	if (flags & CHANGE_NAME)
		return find_subscriber(c, text, flags, out);
	err = prefix_parse(text, &out->prefix);
	if (!err && (flags & CHANGE_KNOWN) && known(c, out))
		return 0;
	if (!err)
		return strchr(text, '/') ? find_prefix(c, out) : find_address(c, out);
	if (err != -EINVAL || looks_numeric(text))
		return change_fail(c, -EINVAL, "%s: %s; for a subscriber of that name say "
				   "--subscriber", text, prefix_error(err));
	return find_subscriber(c, text, flags, out);
}

const char *change_target_text(const struct change_target *t, char *buf)
{
	if (t->scope == STATE_SUBSCRIBER)
		snprintf(buf, STATE_NAME, "%s", t->name);
	else
		prefix_text(&t->prefix, buf);
	return buf;
}

static struct state_treatment key_of(const struct change_target *t)
{
	return (struct state_treatment){ .scope = t->scope, .prefix = t->prefix,
					 .subscriber = t->subscriber };
}

static int refresh_line(void *arg, const struct postern_prefix *line, uint64_t subscriber)
{
	(void)subscriber;
	return change_line_refresh(arg, line);
}

/* Bring every map entry that the target bears on up to the store. */
static int apply(struct change *c, const struct change_target *t)
{
	switch (t->scope) {
	case STATE_LINE:
		return change_line_refresh(c, &t->prefix);
	case STATE_PREFIX:
		return change_prefix_refresh(c, &t->prefix);
	case STATE_SUBSCRIBER:
		return state_line_each(c->state, t->subscriber, refresh_line, c);
	}
	return -EINVAL;
}

/* The other side of the two words: what keeps a treatment from having effect. */
static void remark_line(struct change *c, const struct change_target *t,
			enum postern_treatment treatment, uint64_t subscriber)
{
	struct postern_line line;
	char name[STATE_NAME], text[ADDR_TEXT];

	if (subscriber && state_subscriber_name(c->state, subscriber, name) == 0)
		change_say(c, "%s is bound to %s: this ends when the line is given to "
			   "somebody else", prefix_text(&t->prefix, text), name);
	if (steering_line_get(c->steering, &t->prefix.addr, &line) == 0 &&
	    line.treatment != treatment && line.treatment == POSTERN_REFUSE)
		change_say(c, "the subscriber is refused, and a refusal wins: the line stays "
			   "refused");
}

static int count_line(void *arg, const struct postern_prefix *line, uint64_t subscriber)
{
	(void)line;
	(void)subscriber;
	++*(size_t *)arg;
	return 0;
}

static void remark_subscriber(struct change *c, const struct change_target *t)
{
	size_t lines = 0;

	if (state_line_each(c->state, t->subscriber, count_line, &lines) == 0 && !lines)
		change_say(c, "no line is bound to %s yet; it will hold for every line that is",
			   t->name);
}

static void remark(struct change *c, const struct change_target *t,
		   const struct state_treatment *new, const struct state_treatment *old)
{
	char text[STATE_NAME];

	if (old->treatment && old->treatment != new->treatment)
		change_say(c, "%s was %s until now", change_target_text(t, text),
			   words[old->treatment]);
	if (t->scope == STATE_LINE)
		remark_line(c, t, new->treatment, new->subscriber);
	if (t->scope == STATE_SUBSCRIBER)
		remark_subscriber(c, t);
}

static int treat(struct change *c, struct change_target *t, struct state_treatment *new,
		 struct state_treatment *old)
{
	int err = 0;

	if (t->scope == STATE_SUBSCRIBER && !t->subscriber)
		err = state_subscriber_make(c->state, t->name, &t->subscriber);
	else if (t->scope == STATE_LINE)
		err = state_line_get(c->state, &t->prefix, &t->subscriber);
	if (err && err != -ENOENT)
		return change_stored(c, err);
	new->subscriber = t->subscriber;
	err = state_treatment_get(c->state, new, old);
	if (err && err != -ENOENT)
		return change_stored(c, err);
	err = state_treatment_set(c->state, new);
	return err ? change_stored(c, err) : apply(c, t);
}

/* " until ..." for the audit, "" without an end. Returns @buf. */
static const char *end_text(uint64_t until, char buf[END_TEXT])
{
	time_t seconds = (time_t)(until / NS_PER_SEC);
	struct tm tm;

	*buf = '\0';
	if (until && gmtime_r(&seconds, &tm))
		strftime(buf, END_TEXT, " until %Y-%m-%dT%H:%M:%SZ", &tm);
	return buf;
}

int change_treat(struct change *c, const struct change_target *target,
		 enum postern_treatment treatment, uint64_t until, const char *why)
{
	struct state_treatment old = { 0 }, new = key_of(target);
	struct change_target t = *target;
	char text[STATE_NAME], end[END_TEXT];
	int err = change_begin(c);

	if (err)
		return err;
	new.treatment = treatment;
	new.since = clock_wall();
	new.until = until;
	snprintf(new.who, sizeof(new.who), "%s", c->who);
	snprintf(new.why, sizeof(new.why), "%s", why);
	err = treat(c, &t, &new, &old);
	err = change_finish(c, err, "%s %s%s: %s", change_target_text(&t, text), words[treatment],
			    end_text(until, end), why);
	if (!err)
		remark(c, &t, &new, &old);
	return err;
}

static int untreat(struct change *c, const struct change_target *t,
		   enum postern_treatment treatment)
{
	struct state_treatment old, key = key_of(t);
	char text[STATE_NAME];
	int err = state_treatment_get(c->state, &key, &old);

	if (err == -ENOENT || (!err && old.treatment != treatment))
		return change_fail(c, -ENOENT, "%s is not %s", change_target_text(t, text),
				   words[treatment]);
	if (!err)
		err = state_treatment_del(c->state, &key);
	return err ? change_stored(c, err) : apply(c, t);
}

int change_untreat(struct change *c, const struct change_target *t,
		   enum postern_treatment treatment)
{
	char text[STATE_NAME];
	int err = change_begin(c);

	if (err)
		return err;
	err = untreat(c, t, treatment);
	return change_finish(c, err, "%s no longer %s", change_target_text(t, text),
			     words[treatment]);
}

/* What was said of a line while @subscriber was on it ends with him. */
static int drop_old_treatment(struct change *c, const struct postern_prefix *line,
			      uint64_t subscriber)
{
	struct state_treatment t, key = { .scope = STATE_LINE, .prefix = *line };
	char text[ADDR_TEXT];
	int err = state_treatment_get(c->state, &key, &t);

	if (err == -ENOENT || (!err && t.subscriber != subscriber))
		return 0;
	if (!err)
		err = state_treatment_del(c->state, &key);
	if (!err)
		change_say(c, "%s is no longer %s: that was for the subscriber who was on it",
			   prefix_text(line, text), words[t.treatment]);
	return change_stored(c, err);
}

static int unbind(struct change *c, const struct postern_prefix *line, uint64_t subscriber)
{
	int err = drop_old_treatment(c, line, subscriber);

	if (!err)
		err = change_stored(c, state_line_del(c->state, line));
	return err ? err : change_line_refresh(c, line);
}

/*
 * Take whoever is on the line, unless it is @keep, off it, in a transaction of
 * its own. -ENOENT without words: nobody is.
 */
static int unbind_line(struct change *c, const struct postern_prefix *line, uint64_t keep)
{
	char text[ADDR_TEXT], name[STATE_NAME] = "?";
	uint64_t subscriber = 0;
	int err = change_begin(c);

	if (err)
		return err;
	err = state_line_get(c->state, line, &subscriber);
	if (err || subscriber == keep) {
		state_rollback(c->state);
		return err == -ENOENT ? err : change_stored(c, err);
	}
	state_subscriber_name(c->state, subscriber, name);
	prefix_text(line, text);
	err = change_finish(c, unbind(c, line, subscriber), "%s taken from subscriber %s", text,
			    name);
	if (!err)
		change_say(c, "%s was on the line %s and is not any more", name, text);
	return err;
}

int change_unbind(struct change *c, const struct postern_prefix *line)
{
	struct postern_prefix found = *line;
	char text[ADDR_TEXT];
	uint64_t bound;
	int err = 0;

	if (state_line_get(c->state, line, &bound))
		err = change_line_of(c, &line->addr, &found);
	if (err)
		return err;
	err = unbind_line(c, &found, 0);
	if (err == -ENOENT)
		return change_fail(c, err, "no subscriber is bound to %s",
				   prefix_text(&found, text));
	return err;
}

static int put_on_line(struct change *c, const char *name, const struct postern_prefix *line)
{
	uint64_t id;
	int err = state_subscriber_find(c->state, name, &id);

	if (err == -ENOENT)
		err = state_subscriber_make(c->state, name, &id);
	if (!err)
		err = state_line_set(c->state, line, id);
	return err ? change_stored(c, err) : change_line_refresh(c, line);
}

int change_bind(struct change *c, const char *name, const struct postern_addr *addr)
{
	struct postern_prefix line;
	char text[ADDR_TEXT];
	uint64_t id = 0;
	int err;

	if (!*name || strlen(name) >= STATE_NAME)
		return change_fail(c, -EINVAL, "a subscriber's name has 1 to %d octets",
				   STATE_NAME - 1);
	err = change_line_of(c, addr, &line);
	if (err)
		return err;
	err = state_subscriber_find(c->state, name, &id);
	if (err && err != -ENOENT)
		return change_stored(c, err);
	err = unbind_line(c, &line, id);
	if (err && err != -ENOENT)
		return err;
	err = change_begin(c);
	if (err)
		return err;
	err = put_on_line(c, name, &line);
	return change_finish(c, err, "%s given to subscriber %s", prefix_text(&line, text), name);
}
