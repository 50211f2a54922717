// SPDX-License-Identifier: GPL-2.0
/* The model of model.h: what the exchanger answers, and what that changes. */
#include <stdlib.h>
#include <string.h>

#include "model_body.h"

static void answered_helo(struct model *m, enum verb verb, unsigned int code)
{
	if (code / 100 != 2)
		return;
	if (code != 250)
		model_loosen(m);
	m->tx_recipients = 0;
	m->tx_chunks = m->tx_data = m->tx_failed = false;
	if (verb == HELO)
		m->pipelining = m->chunking = false;
}

static void answered_data(struct model *m, unsigned int code)
{
	if (code / 100 == 3) {
		if (code != 354)
			model_loosen(m);
		m->phase = MODEL_BODY;
		model_body_begin(m);
	} else if (m->client.len) {
		if (code != 421)		/* E58: it was said already */
			model_reply_ours(m, 421, 0);	/* E14 */
		model_end(m, false);
	} else {
		m->phase = MODEL_COMMAND;
		m->refused_data = true;
	}
}

static void answered_chunk(struct model *m, enum verb verb, unsigned int code)
{
	if (verb == CHUNK_LAST && code / 100 == 2) {
		m->phase = MODEL_AWAIT;
	} else if (code / 100 != 2) {
		m->tx_failed = true;
		m->chunk_code = code;
		if (m->phase == MODEL_HOLD)
			m->phase = MODEL_COMMAND;
		model_loosen(m);	/* we may say RSET to the exchanger, now or later */
	}
}

static void answered_starttls(struct model *m, unsigned int code)
{
	m->phase = MODEL_COMMAND;
	if (code / 100 != 2 && m->client.len)
		model_loosen(m);	/* as behind DATA (E14), or plain commands */
	if (code / 100 != 2)
		return;
	if (code != 220)
		model_loosen(m);
	if (m->client.len || m->server.len)
		model_end(m, true);		/* E33 */
	else
		m->phase = MODEL_TUNNEL;
	model_loosen(m);
}

static void answered(struct model *m, enum verb verb, unsigned int code)
{
	bool yes = code / 100 == 2;

	switch (verb) {
	case GREETING: m->greeted = true; break;
	case HELO: case EHLO: answered_helo(m, verb, code); break;
	case MAIL: m->tx_recipients = yes ? 0 : m->tx_recipients; break;
	case RCPT: m->tx_recipients += yes; break;
	case DATA: answered_data(m, code); break;
	case BDAT: case CHUNK_LAST: answered_chunk(m, verb, code); break;
	case RSET:
		if (yes) {
			m->tx_chunks = m->tx_data = m->tx_failed = false;
			m->tx_recipients = 0;
		}
		break;
	case QUIT:
		if (!yes)
			model_loosen(m);
		model_end(m, false);
		m->waits_for_end = true;	/* E79: close after the exchanger */
		break;
	case AUTH: case AUTH_LINE:
		m->phase = code == 334 ? MODEL_AUTH_LINE : MODEL_COMMAND;
		if (code / 100 == 3 && code != 334)
			model_loosen(m);
		break;
	case STARTTLS: answered_starttls(m, code); break;
	case DOT: case CHUNK_END:
		model_outcome(m, code);
		m->phase = MODEL_COMMAND;
		break;
	case NOOP: case VRFY: case EXPN: case HELP: case REFUSED: case FOREIGN: case UNKNOWN:
		break;
	}
}

/* May the exchanger say this to @verb (E56)? */
static bool legal(enum verb verb, unsigned int code)
{
	if (code / 100 == 3)
		return verb == DATA || verb == AUTH || verb == AUTH_LINE;
	return code >= 200 && code <= 599 && (verb != DATA || code >= 400);
}

/* The last line of a reply was read: what it means. Its lines went to the client before. */
static void reply_done(struct model *m, unsigned int code)
{
	enum verb verb = (enum verb)m->slot[0].verb;

	model_pop(m);
	answered(m, verb, code);
	if (code == 421 && !m->over)
		model_end(m, false);		/* E58 */
}

/* Is this line of the reply for the client now? EHLO's are kept until all are there. */
static void pass_line(struct model *m, bool last)
{
	struct model_slot *s = &m->slot[0];
	size_t at = m->lines.len;

	if (s->verb == EHLO && m->code / 100 == 2) {
		if (!last)
			return;
		at = m->text.len;
		m->pipelining = m->chunking = false;
		if (!model_ehlo(m->class, &m->lines, &m->text, &m->pipelining, &m->chunking)) {
			model_loosen(m);
			return;
		}
		m->reply[m->replies++] = (struct model_reply) { at, m->text.len - at, 0, 0 };
	} else if (!s->quiet && !(s->verb == CHUNK_LAST && m->code / 100 == 2)) {
		while (at > 2 && m->lines.data[at - 3] != '\n')
			at--;
		at = at > 2 ? at - 2 : 0;
		model_reply_theirs(m, m->lines.data + at, m->lines.len - at);
	}
}

/* A line that does not fit what is owed. */
static void surplus(struct model *m, unsigned int code)
{
	if (code == 421) {
		model_reply_theirs(m, m->lines.data, m->lines.len);
		model_end(m, false);
	} else {
		if (code / 100 == 5)
			model_loosen(m);
		model_end(m, true);
	}
}

static void server_line(struct model *m, unsigned int code, bool last)
{
	if (m->phase == MODEL_BODY || m->phase == MODEL_AWAIT) {
		if (m->slots || !last)
			model_loosen(m);
		model_early(m, code);		/* E19 */
		return;
	}
	if (!m->slots || m->slot[0].local) {
		if (!last)
			model_loosen(m);
		surplus(m, code);
		return;
	}
	if (m->slot[0].verb == STARTTLS && code / 100 == 2 && (code != 220 || !last))
		model_loosen(m);
	if (!legal((enum verb)m->slot[0].verb, code)) {
		model_end(m, true);
		return;
	}
	pass_line(m, last);
	if (last && !m->over)
		reply_done(m, code);
}

static bool digits(const char *data)
{
	int i;

	for (i = 0; i < 3; i++)
		if (data[i] < '0' || data[i] > '9')
			return false;
	return true;
}

bool model_server_step(struct model *m)
{
	char *line = m->server.data, *end = memchr(line, '\n', m->server.len);
	size_t taken = end ? (size_t)(end - line) + 1 : 0, len = taken;
	unsigned int code;
	bool last;

	if (m->local || m->phase == MODEL_LOST || m->phase == MODEL_TUNNEL) {
		m->server.len = 0;
		return false;
	}
	if (!end) {
		if (m->server.len > 3)		/* it may be seen already that it is none */
			m->held_early = true;
		return false;
	}
	len -= 1 + (len > 1 && line[len - 2] == '\r');
	if (memchr(line, '\r', len) || memchr(line, '\0', len) || len > 4000)
		model_loosen(m);
	if (len < 3 || !digits(line) || (len > 3 && line[3] != ' ' && line[3] != '-')) {
		model_end(m, true);
		return false;
	}
	code = (unsigned int)atoi(line);
	last = len == 3 || line[3] == ' ';
	if (m->count && code != m->code) {
		model_end(m, true);		/* E53 */
		return false;
	}
	m->code = code;
	if (++m->count > 90)
		model_loosen(m);
	bytes_add(&m->lines, line, len);
	bytes_add(&m->lines, "\r\n", 2);
	model_take(&m->server, taken);
	server_line(m, code, last);
	if (last)
		m->lines.len = m->count = 0;
	return true;
}
