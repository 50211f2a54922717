// SPDX-License-Identifier: GPL-2.0
/* newlines = normalise: random messages against a naive twin (E46-E48, B4). */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "smtp_owner.h"

/*
 * Random messages in random segments against a naive twin, which has all of the
 * octets before it, cuts them into lines, and knows no states.
 */
#define RANDOM_OCTETS	60

struct twin {
	struct bytes	up;		/* without the end */
	struct bytes	content;
	bool		bare;
};

static uint64_t random_state;

static unsigned int pick(unsigned int below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned int)((random_state >> 11) % below);
}

/* Where the true end begins: its dot. */
static size_t true_end(const char *data, size_t len)
{
	size_t i;

	for (i = 0; i + 3 <= len; i++)
		if (!memcmp(data + i, ".\r\n", 3) &&
		    (!i || (i >= 2 && data[i - 2] == '\r' && data[i - 1] == '\n')))
			return i;
	cr_assert_fail("a message without an end");
	return 0;
}

static void twin_line(struct twin *tw, const char *line, size_t len)
{
	bool dot = len && line[0] == '.';

	if (len == 1 && dot)
		bytes_add(&tw->up, ".", 1);
	bytes_add(&tw->up, line, len);
	bytes_add(&tw->up, "\r\n", 2);
	if (len == 1 && dot)
		bytes_add(&tw->content, ".", 1);
	else
		bytes_add(&tw->content, line + dot, len - dot);
	bytes_add(&tw->content, "\r\n", 2);
}

static void twin_message(struct twin *tw, const char *data, size_t len)
{
	size_t i = 0, n;
	bool crlf;

	tw->up.len = tw->content.len = 0;
	tw->bare = false;
	while (i < len) {
		for (n = 0; data[i + n] != '\r' && data[i + n] != '\n'; n++)
			;
		twin_line(tw, data + i, n);
		i += n;
		crlf = data[i] == '\r' && i + 1 < len && data[i + 1] == '\n';
		tw->bare |= !crlf;
		i += crlf ? 2 : 1;
	}
}

static void begin_random(struct owner *o)
{
	static const char client[] = "EHLO a\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n";
	static const char server[] = "220 x\r\n250 x\r\n250 x\r\n250 x\r\n354 x\r\n";
	size_t i;

	owner_reset(o);
	o->class.newlines = CONF_NEWLINES_NORMALISE;
	owner_start(o, SMTP_REPLY_COUNT);
	owner_send(o, SERVER, server, 7, false);
	bytes_add(&o->in[CLIENT], client, sizeof(client) - 1);
	owner_turns(o, false);
	for (i = 7; i < sizeof(server) - 1; i += 7)
		owner_send(o, SERVER, server + i, 7, false);
	o->got[TO_SERVER].len = o->got[EVENTS].len = 0;
}

static void play_random(struct owner *o, struct twin *tw)
{
	static const char octets[] = "\r\r\r\n\n\n....x";
	char data[RANDOM_OCTETS + 5];
	size_t len = pick(RANDOM_OCTETS), at = 0, n, i;

	for (i = 0; i < len; i++)
		data[i] = octets[pick(sizeof(octets) - 1)];
	memcpy(data + len, "\r\n.\r\n", 5);
	len = true_end(data, len + 5);
	twin_message(tw, data, len);
	memcpy(data + len, ".\r\n", 3);
	begin_random(o);
	for (; at < len + 3; at += n) {
		n = 1 + pick((unsigned int)(len + 3 - at));
		owner_send(o, CLIENT, data + at, n, pick(4) == 0);
	}
	cr_assert(o->acts == SMTP_ACT_VERDICT);
	cr_assert(o->got[TO_SERVER].len == tw->up.len &&
		  !memcmp(o->got[TO_SERVER].data, tw->up.data, tw->up.len),
		  "up:\n%.*s-- twin\n%.*s--", (int)o->got[TO_SERVER].len,
		  o->got[TO_SERVER].data, (int)tw->up.len, tw->up.data);
	cr_assert(o->got[CONTENT].len == tw->content.len &&
		  !memcmp(o->got[CONTENT].data, tw->content.data, tw->content.len));
	cr_assert(!!o->got[EVENTS].len == tw->bare);
}

Test(smtp_newline, random_messages)
{
	struct owner *o = calloc(1, sizeof(*o));
	struct twin *tw = calloc(1, sizeof(*tw));
	const char *seed = getenv("POSTERN_SEED");
	unsigned int i, count = getenv("POSTERN_NIGHTLY") ? 1000000 : 20000;

	random_state = seed ? strtoull(seed, NULL, 10) : 20240331;
	cr_assert(random_state, "POSTERN_SEED must not be 0");
	for (i = 0; i < count; i++)
		play_random(o, tw);
	free(tw);
	free(o);
}
