// SPDX-License-Identifier: GPL-2.0
/* The model of model.h: messages, and whether the engine is where it is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model_body.h"

enum { START, DOT_SEEN, MIDDLE, CR = 4 };

void model_body_begin(struct model *m)
{
	m->normal = true;
	m->nobody = !m->tx_recipients;
	m->hole = m->class->received;
	m->hole_at = m->body_at = m->up.len;
	m->content_at = m->content.len;
	m->state = START;
	m->line_len = 0;
	m->strange_start = false;
}

/* From here on the exchanger must not get more, and the client's octets are swallowed. */
static void lose(struct model *m, unsigned int code)
{
	if (m->phase == MODEL_LOST)
		return;
	m->normal = false;
	m->phase = MODEL_LOST;
	m->lost_code = code;
}

static void put(struct model *m, const char *up, const char *content)
{
	size_t n, most = (size_t)m->class->max_size;

	if (m->phase == MODEL_LOST)
		return;
	bytes_add(&m->up, up, strlen(up));
	bytes_add(&m->content, content, strlen(content));
	m->line_len += (unsigned int)strlen(up);
	n = m->content.len - m->content_at;
	if (most && n > most)
		lose(m, 552);
	else if (most && m->class->received && n + 600 > most)
		model_loosen(m);
	if (m->class->max_line && m->line_len + 3 > m->class->max_line) {
		if (m->line_len <= m->class->max_line + 3u)
			return;
		lose(m, 554);
	}
}

/* A line has ended, with CRLF or (normalised) with something else. True: so has the message. */
static bool line_end(struct model *m, bool proper)
{
	bool dot = (m->state & 3) == DOT_SEEN;

	m->state = START;
	if (dot && proper && !m->strange_start)
		return true;
	put(m, dot ? "..\r\n" : "\r\n", dot ? ".\r\n" : "\r\n");
	m->line_len = 0;
	m->strange_start = !proper;
	return false;
}

/* A bare CR or LF: E46, E47. */
static void bare(struct model *m)
{
	if (m->phase == MODEL_LOST || m->class->newlines == CONF_NEWLINES_REFUSE) {
		lose(m, 550);
		m->state = MIDDLE;
	} else {
		line_end(m, false);
	}
}

static bool body_octet(struct model *m, char c)
{
	char both[2] = { c, '\0' };

	if (!c)
		lose(m, 550);			/* E49 */
	if (m->state & CR) {
		m->state &= ~CR;
		if (c == '\n')
			return line_end(m, true);
		bare(m);
	}
	if (c == '\r') {
		m->state |= CR;
	} else if (c == '\n') {
		bare(m);
	} else if (m->state == START && c == '.') {
		m->state = DOT_SEEN;
	} else {
		if (m->state == DOT_SEEN)
			put(m, ".", "");
		m->state = MIDDLE;
		put(m, both, both);
	}
	return false;
}

/* The end of a message that is lost. */
static void lost_end(struct model *m)
{
	if (m->lost_code)
		model_refuse(m, m->lost_code);
	else
		model_refuse_early(m);
}

void model_refuse_early(struct model *m)
{
	m->reply[m->replies++] = (struct model_reply) { m->early_at, m->early_len, 0, 0 };
	model_outcome(m, m->early_code);
	model_end(m, false);
}

/* Every recipient was refused, 354 all the same: a lone dot goes up unjudged (E15). */
static void to_nobody(struct model *m)
{
	if (m->content.len > m->content_at)
		model_loosen(m);
	m->phase = MODEL_HOLD;
	bytes_add(&m->up, ".\r\n", 3);
}

bool model_body(struct model *m)
{
	size_t at;

	for (at = 0; at < m->client.len && !m->loose; at++) {
		if (!body_octet(m, m->client.data[at]))
			continue;
		model_take(&m->client, at + 1);
		if (m->phase == MODEL_LOST)
			lost_end(m);
		else if (m->tx_recipients)
			m->phase = MODEL_AWAIT;
		else
			to_nobody(m);
		return true;
	}
	m->client.len = 0;
	return false;
}

void model_chunk_begin(struct model *m, size_t size, bool last)
{
	if (!m->tx_chunks)
		m->content_at = m->content.len;
	m->tx_chunks = true;
	m->nobody = false;
	m->phase = MODEL_CHUNK;
	m->chunk_left = size;
	m->chunk_up = true;
	m->chunk_last = last;
}

bool model_chunk(struct model *m)
{
	size_t n = m->client.len < m->chunk_left ? m->client.len : m->chunk_left;
	uint64_t most = (uint64_t)m->class->max_size;

	if (m->chunk_up) {
		bytes_add(&m->up, m->client.data, n);
		bytes_add(&m->content, m->client.data, n);
		if (most && m->content.len - m->content_at > most)
			model_loosen(m);
	}
	model_take(&m->client, n);
	m->chunk_left -= n;
	if (m->chunk_left)
		return false;
	m->phase = m->chunk_up && m->chunk_last ? MODEL_HOLD : MODEL_COMMAND;
	return true;
}

void model_early(struct model *m, unsigned int code)
{
	if (code / 100 != 4 && code / 100 != 5) {
		model_end(m, true);
		return;
	}
	m->early_at = m->text.len;
	m->early_len = m->lines.len;
	m->early_code = code;
	bytes_add(&m->text, m->lines.data, m->lines.len);
	if (m->phase == MODEL_BODY) {
		lose(m, 0);
	} else {
		m->normal = false;
		model_refuse_early(m);
	}
}

static void judge_chunks(struct model *m, enum verdict_action action)
{
	unsigned int code = action == VERDICT_REJECT ? 550 : 451;

	if (action == VERDICT_ACCEPT) {
		bytes_add(&m->up, "BDAT 0 LAST\r\n", 13);
		m->phase = MODEL_HOLD;
		return;
	}
	bytes_add(&m->up, "RSET\r\n", 6);
	m->reply[m->replies++] = (struct model_reply) { 0, 0, code, 0 };
	model_outcome(m, code);
	model_loosen(m);	/* whose answer comes first is not said */
}

void model_judge(struct model *m, enum verdict_action action)
{
	unsigned int code = action == VERDICT_REJECT ? 550 : 451;

	if (m->phase == MODEL_AWAIT && action == VERDICT_DROP) {
		model_end(m, true);
	} else if (m->phase == MODEL_AWAIT && m->tx_chunks) {
		judge_chunks(m, action);
	} else if (m->phase == MODEL_AWAIT && action == VERDICT_ACCEPT) {
		bytes_add(&m->up, ".\r\n", 3);
		m->phase = MODEL_HOLD;
	} else if (m->phase == MODEL_AWAIT) {
		m->normal = false;
		model_refuse(m, code);
	} else if (m->phase == MODEL_BODY && action != VERDICT_DROP) {
		lose(m, code);
	} else {
		model_loosen(m);
	}
}

/* Is the engine where the model is? */

/* One reply of those expected; false when it is not there yet, or not right. */
static bool match_reply(struct model *m, const struct model_reply *r)
{
	const struct bytes *got = &m->owner->got[TO_CLIENT];
	const char *at = got->data + m->client_seen, *end;
	size_t left = got->len - m->client_seen;
	unsigned int code;

	if (m->rude && left > 6 && !memcmp(at, "421 4.", 6))
		return false;
	if (r->len) {
		if (left < r->len)
			return false;
		if (memcmp(at, m->text.data + r->at, r->len))
			model_break(m, "the exchanger's reply reaches the client as it was");
		m->client_seen += r->len;
		return true;
	}
	end = memmem(at, left, "\r\n", 2);
	if (!end)
		return false;
	code = (unsigned int)strtoul(at, NULL, 10);
	if (end - at < 5 || at[3] != ' ' || at[4] != at[0])
		model_break(m, "a reply of ours has a code and an enhanced code of its class");
	if (!(r->code ? code == r->code || (r->also && code == r->also) : code / 100 == 5))
		model_break(m, "a reply of ours has the code that its case says");
	m->client_seen += (size_t)(end - at) + 2;
	return true;
}

static void check_replies(struct model *m)
{
	while (m->matched < m->replies && !m->broken && match_reply(m, &m->reply[m->matched]))
		m->matched++;
}

/* Our own header, as far as the engine has written it, becomes part of what must go up. */
static void fill_hole(struct model *m)
{
	const struct bytes *got = &m->owner->got[TO_SERVER];
	const char *at = got->data + m->hole_at, *end = got->data + got->len, *next = at;
	size_t len;

	if (!m->hole || got->len <= m->hole_at)
		return;
	if (m->up.len > m->hole_at && strchr(" \t", m->up.data[m->hole_at])) {
		model_loosen(m);	/* where ours ends cannot be seen */
		return;
	}
	if (end - at < 10 || memcmp(at, "Received: ", 10)) {
		model_break(m, "Received: stands in front");
		return;
	}
	do {
		next = memmem(next, (size_t)(end - next), "\r\n", 2);
		if (!next) {
			model_break(m, "Received: is whole");
			return;
		}
		next += 2;
	} while (next < end && (*next == ' ' || *next == '\t'));
	len = (size_t)(next - at);
	bytes_add(&m->up, at, len);	/* for the room */
	memmove(m->up.data + m->hole_at + len, m->up.data + m->hole_at,
		m->up.len - len - m->hole_at);
	memcpy(m->up.data + m->hole_at, at, len);
	m->hole = false;
}

static void check_prefix(struct model *m, const struct bytes *got, const struct bytes *want,
			 size_t *seen, const char *what)
{
	size_t n = got->len < want->len ? got->len : want->len;

	if (got->len > want->len || memcmp(got->data + *seen, want->data + *seen, n - *seen))
		model_break(m, what);
	*seen = n;
}

static void check_outcomes(struct model *m)
{
	static const char *const words[] = {
		[2] = "message_accepted", [4] = "message_tempfailed", [5] = "message_rejected",
	};
	const struct bytes *got = &m->owner->got[EVENTS];
	const char *at, *end;
	char want[64];

	while (m->events_seen < got->len && m->outcomes_seen < m->outcomes && !m->broken) {
		unsigned int code = m->outcome[m->outcomes_seen];

		at = got->data + m->events_seen;
		end = memmem(at, got->len - m->events_seen, "\r\n", 2);
		m->events_seen += (size_t)(end - at) + 2;
		if (strncmp(at, "message_", 8))
			continue;
		m->outcomes_seen++;
		if (code / 100 != 2 && code / 100 != 4 && code / 100 != 5)
			continue;
		snprintf(want, sizeof(want), "%s %u", words[code / 100], code);
		if (strncmp(at, want, strlen(want)))
			model_break(m, "the outcome of a message is what the client was told");
	}
}

/* Is something half there, so that the engine may have acted on it or not? */
static bool settled(const struct model *m)
{
	size_t n = m->client.len;

	if (m->held_early)
		return false;
	if (m->phase != MODEL_COMMAND && m->phase != MODEL_AUTH_LINE)
		return true;
	return n < 4000 && !memchr(m->client.data, '\0', n) &&
	       !memchr(m->client.data, '\r', n ? n - 1 : 0);
}

static void check_settled(struct model *m)
{
	const unsigned int ends = SMTP_ACT_CLOSE_CLIENT | SMTP_ACT_RESET_CLIENT;
	const struct owner *o = m->owner;

	if (!m->over && (o->acts & ends))
		model_break(m, "the session goes on");
	if (m->over && !m->waits_for_end && !(o->acts & ends))
		model_break(m, "the session ends");
	if (m->rude)
		return;
	if (m->matched < m->replies)
		model_break(m, "the client has its replies");
	if (m->client_seen < o->got[TO_CLIENT].len)
		model_break(m, "the client has no more than its replies");
	if (m->outcomes_seen < m->outcomes)
		model_break(m, "each message that ended was told");
	if (m->over)
		return;
	if (m->phase != MODEL_BODY && m->normal && o->got[TO_SERVER].len < m->up.len)
		model_break(m, "all that was taken went up");
	if (!(o->acts & SMTP_ACT_VERDICT) != (m->phase != MODEL_AWAIT))
		model_break(m, "a verdict is asked for when the message is whole");
}

const char *model_check(struct model *m)
{
	if (m->loose || m->broken)
		return m->broken;
	check_replies(m);
	fill_hole(m);
	if (m->loose)
		return m->broken;
	if (!m->hole)
		check_prefix(m, &m->owner->got[TO_SERVER], &m->up, &m->up_seen,
			     "what went up is what was said");
	check_prefix(m, &m->owner->got[CONTENT], &m->content, &m->content_seen,
		     "what was judged is what was said");
	check_outcomes(m);
	if (settled(m))
		check_settled(m);
	return m->broken;
}
