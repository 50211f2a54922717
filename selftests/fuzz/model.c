// SPDX-License-Identifier: GPL-2.0
/* The model of model.h: what is said, and who answers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "model_body.h"

static const struct { const char *word; enum verb verb; } words[] = {
	{ "HELO", HELO }, { "EHLO", EHLO }, { "MAIL", MAIL }, { "RCPT", RCPT }, { "DATA", DATA },
	{ "BDAT", BDAT }, { "RSET", RSET }, { "NOOP", NOOP }, { "QUIT", QUIT }, { "VRFY", VRFY },
	{ "EXPN", EXPN }, { "HELP", HELP }, { "AUTH", AUTH }, { "STARTTLS", STARTTLS },
	{ "XCLIENT", REFUSED }, { "XFORWARD", REFUSED }, { "ETRN", REFUSED }, { "ATRN", REFUSED },
	{ "TURN", REFUSED }, { "BURL", REFUSED }, { "XEXCH50", REFUSED }, { "LHLO", REFUSED },
	{ "SEND", REFUSED }, { "SOML", REFUSED }, { "SAML", REFUSED }, { "GET", FOREIGN },
	{ "POST", FOREIGN }, { "HEAD", FOREIGN }, { "PUT", FOREIGN }, { "DELETE", FOREIGN },
	{ "OPTIONS", FOREIGN }, { "CONNECT", FOREIGN }, { "TRACE", FOREIGN },
	{ "PATCH", FOREIGN }, { "PRI", FOREIGN }, { "PROXY", FOREIGN },
};

void model_loosen(struct model *m)
{
	m->loose = true;
}

void model_break(struct model *m, const char *what)
{
	if (!m->broken)
		m->broken = what;
}

void model_reply_ours(struct model *m, unsigned int code, unsigned int also)
{
	if (m->replies == MODEL_REPLIES)
		model_loosen(m);
	else
		m->reply[m->replies++] = (struct model_reply) { 0, 0, code, also };
}

void model_reply_theirs(struct model *m, const char *data, size_t len)
{
	if (m->replies == MODEL_REPLIES) {
		model_loosen(m);
		return;
	}
	m->reply[m->replies++] = (struct model_reply) { m->text.len, len, 0, 0 };
	bytes_add(&m->text, data, len);
}

void model_end(struct model *m, bool rude)
{
	m->over = true;
	m->rude = rude;
	m->slots = 0;
}

/* Slots. */

static struct model_slot *push(struct model *m, enum verb verb)
{
	static struct model_slot nobody;

	if (m->slots >= MODEL_SLOTS / 2)
		model_loosen(m);	/* how many may be owed is not said */
	if (m->slots == MODEL_SLOTS) {
		model_loosen(m);
		return &nobody;
	}
	m->slot[m->slots] = (struct model_slot) { .verb = verb };
	return &m->slot[m->slots++];
}

void model_pop(struct model *m)
{
	memmove(m->slot, m->slot + 1, --m->slots * sizeof(m->slot[0]));
}

/* How many answers does the exchanger owe, the greeting aside? */
static size_t owed(const struct model *m)
{
	size_t i, n = 0;

	for (i = 0; i < m->slots; i++)
		n += !m->slot[i].local && m->slot[i].verb != GREETING;
	return n;
}

static void answer(struct model *m, enum verb verb, unsigned int code, unsigned int also,
		   bool close)
{
	struct model_slot *s = push(m, verb);

	s->local = true;
	s->code = code;
	s->also = also;
	s->close = close;
	if (close)
		m->phase = MODEL_LEFT;
}

static void flush_ours(struct model *m)
{
	while (m->slots && m->slot[0].local && !m->over) {
		struct model_slot s = m->slot[0];

		model_pop(m);
		model_reply_ours(m, s.code, s.also);
		if (s.close)
			model_end(m, false);
	}
}

/* Messages. */

void model_outcome(struct model *m, unsigned int code)
{
	if (!m->nobody && m->outcomes < MODEL_MESSAGES)
		m->outcome[m->outcomes++] = code;
	m->tx_chunks = m->tx_data = m->tx_failed = false;
	m->tx_recipients = 0;
}

/* The message that ended is answered by us, upstream reset: E17, E31, E46, E51. */
void model_refuse(struct model *m, unsigned int code)
{
	m->slots = 0;
	m->local = true;
	m->phase = MODEL_COMMAND;
	model_reply_ours(m, code, 0);
	model_outcome(m, code);
}

/* Commands. */

/* B40: cut at the number with 421; whether that one still gets its answer is not said. */
static bool enough(struct model *m)
{
	if (m->junk < m->class->max_junk)
		return false;
	model_loosen(m);
	return true;
}

static void send_up(struct model *m, enum verb verb, const char *line, size_t len)
{
	push(m, verb);
	bytes_add(&m->up, line, len);
	bytes_add(&m->up, "\r\n", 2);
}

static void ask_path(struct model *m, enum verb verb, const char *line, size_t len)
{
	enum model_sure sure;
	uint64_t size;
	bool binary;

	sure = model_path(line + (len > 4 ? 5 : 4), verb == MAIL ? "FROM" : "TO", &size, &binary);
	if (sure == MODEL_WRONG) {
		m->junk++;
		answer(m, verb, 501, 0, false);
	} else if (sure == MODEL_UNSURE) {
		model_loosen(m);
	} else if (verb == MAIL && binary) {
		answer(m, verb, 555, 504, false);
	} else if (verb == MAIL && m->class->max_size && size > (uint64_t)m->class->max_size) {
		answer(m, verb, 552, 0, false);
	} else if (verb == MAIL && m->class->max_size && m->class->received &&
		   size + 600 > (uint64_t)m->class->max_size) {
		model_loosen(m);	/* our line counts too (E84) */
	} else if (verb == RCPT && m->tx_recipients >= (uint64_t)m->class->max_recipients) {
		answer(m, verb, 452, 0, false);
	} else {
		if (verb == RCPT &&
		    m->tx_recipients + owed(m) >= (uint64_t)m->class->max_recipients)
			model_loosen(m);
		send_up(m, verb, line, len);
	}
}

/* A chunk that goes nowhere: its octets are swallowed (E21, E25). */
static void refuse_chunk(struct model *m, size_t size, unsigned int code, unsigned int also)
{
	answer(m, BDAT, code, also, false);
	m->phase = MODEL_CHUNK;
	m->chunk_left = size;
	m->chunk_up = false;
}

static void ask_bdat(struct model *m, const char *line, size_t len)
{
	unsigned long long size;
	char *end, again[64];
	bool last;

	if (len < 6 || line[4] != ' ' || line[5] < '0' || line[5] > '9') {
		if (strpbrk(line + 4, "0123456789"))
			model_loosen(m);
		answer(m, BDAT, 501, 0, true);
		return;
	}
	size = strtoull(line + 5, &end, 10);
	last = !strcmp(end, " LAST");
	snprintf(again, sizeof(again), "BDAT %llu%s", size, last ? " LAST" : "");
	if (strcmp(line, again) || size > 1 << 20) {
		model_loosen(m);
	} else if (!m->chunking || !m->tx_recipients || m->tx_data) {		/* E21 */
		m->junk++;
		refuse_chunk(m, size, 503, 502);
	} else if (m->tx_failed) {
		m->junk++;
		refuse_chunk(m, size, m->chunk_code, 503);
	} else {
		model_chunk_begin(m, size, last);
		snprintf(again, sizeof(again), "BDAT %llu", size);
		send_up(m, last ? CHUNK_LAST : BDAT, again, strlen(again));
	}
}

static void ask_data(struct model *m, const char *line, size_t len)
{
	if (len > 4)
		model_loosen(m);
	if (m->tx_chunks) {
		m->junk++;
		answer(m, DATA, 503, 0, false);
		return;
	}
	send_up(m, DATA, line, len);
	m->phase = MODEL_HOLD;
	m->tx_data = true;
}

static void ask_local(struct model *m, enum verb verb)
{
	if (verb == QUIT)
		answer(m, verb, 221, 0, true);
	else if (m->refused)
		model_loosen(m);
	else if (verb == RSET || verb == NOOP)
		answer(m, verb, 250, 0, false);
	else
		answer(m, verb, 421, 0, true);
}

static void ask_auth(struct model *m, const char *line, size_t len)
{
	if (m->class->auth == CONF_AUTH_PASS) {
		send_up(m, AUTH, line, len);
		m->phase = MODEL_HOLD;
	} else {
		answer(m, AUTH, m->class->auth == CONF_AUTH_HIDE ? 502 : m->class->auth_code, 0,
		       false);
	}
}

static void ask_starttls(struct model *m, const char *line, size_t len)
{
	if (m->class->starttls == CONF_STARTTLS_PASS) {
		if (len > 8)
			model_loosen(m);
		send_up(m, STARTTLS, line, len);
		m->phase = MODEL_HOLD;
	} else {
		answer(m, STARTTLS, m->class->starttls == CONF_STARTTLS_HIDE ? 502 : 454, 0, false);
	}
}

static void ask_first(struct model *m, enum verb verb)
{
	if (verb == FOREIGN && !m->slots)
		answer(m, verb, 421, 0, true);
	else
		model_loosen(m);
}

static enum verb verb_of(const char *line)
{
	size_t n = strcspn(line, " \t"), i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i].word) == n && !strncasecmp(line, words[i].word, n))
			return words[i].verb;
	return UNKNOWN;
}

static void ask(struct model *m, enum verb verb, const char *line, size_t len)
{
	if (m->first && (verb == FOREIGN || verb == UNKNOWN) && !m->local) {
		ask_first(m, verb);
		return;
	}
	if (m->refused_data && verb >= REFUSED)
		model_loosen(m);
	m->refused_data = false;
	if (verb >= RSET && verb != QUIT) {
		m->junk++;
		if (enough(m))
			return;
	}
	switch (m->local ? GREETING : verb) {
	case GREETING: ask_local(m, verb); break;
	case MAIL: case RCPT: ask_path(m, verb, line, len); break;
	case DATA: ask_data(m, line, len); break;
	case BDAT: ask_bdat(m, line, len); break;
	case AUTH: ask_auth(m, line, len); break;
	case STARTTLS: ask_starttls(m, line, len); break;
	case REFUSED: answer(m, verb, 502, 0, false); break;
	case FOREIGN: case UNKNOWN: answer(m, verb, 0, 0, false); break;
	case QUIT:
		m->phase = MODEL_LEFT;
		send_up(m, verb, line, len);
		break;
	case HELO: case EHLO: case RSET: case NOOP: case VRFY: case EXPN: case HELP:
		send_up(m, verb, line, len);
		break;
	case CHUNK_LAST: case CHUNK_END: case AUTH_LINE: case DOT: break;
	}
}

static bool goes_up(const struct model *m, enum verb verb)
{
	if (verb == AUTH)
		return m->class->auth == CONF_AUTH_PASS;
	if (verb == STARTTLS)
		return m->class->starttls == CONF_STARTTLS_PASS;
	return verb < REFUSED;
}

/* Must the line wait for answers that are owed: E11, and what depends on them? */
static bool waits(const struct model *m, enum verb verb)
{
	if (m->local || !owed(m))
		return false;
	if (verb == BDAT)
		return m->class->chunking == CONF_CHUNKING_PASS;
	return !m->pipelining && goes_up(m, verb);
}

static void clean_line(struct model *m, const char *line, size_t len)
{
	if (m->phase == MODEL_AUTH_LINE) {
		send_up(m, AUTH_LINE, line, len);
		m->phase = MODEL_HOLD;
		return;
	}
	ask(m, verb_of(line), line, len);
	m->first = false;
}

static bool client_line(struct model *m)
{
	const char *end = memchr(m->client.data, '\n', m->client.len);
	size_t len = end ? (size_t)(end - m->client.data) : m->client.len;
	size_t most = m->phase == MODEL_AUTH_LINE ? 12288 : 4096;
	bool dirty, lone;
	char *line = m->client.data;

	if (m->first && len && (unsigned int)((*line | 0x20) - 'a') > 25u)
		model_loosen(m);
	if (!end)
		return false;
	lone = !len || line[len - 1] != '\r';
	dirty = memchr(line, '\0', len) || memchr(line, '\r', len - !lone);
	if (len + 1 > most || (dirty && m->class->newlines == CONF_NEWLINES_NORMALISE)) {
		if (dirty || lone || m->first || m->phase == MODEL_AUTH_LINE)
			model_loosen(m);
		m->junk++;
		answer(m, UNKNOWN, 500, 0, false);
	} else if (dirty || (lone && m->class->newlines == CONF_NEWLINES_REFUSE)) {
		if (m->first)
			model_loosen(m);
		answer(m, UNKNOWN, 500, 0, true);
	} else {
		line[len - !lone] = '\0';
		if (m->phase == MODEL_COMMAND && waits(m, verb_of(line))) {
			line[len - !lone] = lone ? '\n' : '\r';
			return false;
		}
		clean_line(m, line, len - !lone);
	}
	if (m->phase == MODEL_CHUNK || len)
		model_take(&m->client, len + 1);
	else
		model_take(&m->client, 1);
	return true;
}

static bool client_step(struct model *m)
{
	switch (m->phase) {
	case MODEL_COMMAND: case MODEL_LONG: case MODEL_AUTH_LINE: return client_line(m);
	case MODEL_HOLD: case MODEL_AWAIT: return false;
	case MODEL_CHUNK: return model_chunk(m);
	case MODEL_BODY: case MODEL_LOST:
		if (!model_body(m))
			return false;
		if (m->phase == MODEL_HOLD)
			push(m, DOT);
		return true;
	case MODEL_LEFT: m->client.len = 0; return false;
	case MODEL_TUNNEL:
		bytes_add(&m->up, m->client.data, m->client.len);
		m->client.len = 0;
		return false;
	}
	return false;
}

static void run(struct model *m)
{
	m->held_early = false;
	do {
		flush_ours(m);
		if (m->over || m->loose)
			return;
	} while (client_step(m) || model_server_step(m));
}

/* From outside. */

void model_start(struct model *m, const struct owner *owner, unsigned int refused_code)
{
	struct bytes *all[] = { &m->client, &m->server, &m->up, &m->content, &m->text, &m->lines };
	size_t i;

	memset(&m->slot, 0, sizeof(*m) - offsetof(struct model, slot));
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		all[i]->len = 0;
	m->class = &owner->class;
	m->owner = owner;
	m->loose = m->over = m->waits_for_end = m->rude = m->held_early = false;
	m->broken = NULL;
	m->normal = true;
	m->first = true;
	m->phase = MODEL_COMMAND;
	m->local = m->refused = refused_code;
	if (refused_code)
		answer(m, GREETING, refused_code, 0, refused_code == 421);
	else
		push(m, GREETING);
	run(m);
}

void model_client(struct model *m, const char *data, size_t len)
{
	if (!m->greeted && m->client.len + len > 4000)
		model_loosen(m);
	if (m->loose || m->over)
		return;
	bytes_add(&m->client, data, len);
	if (m->client.len > SMTP_CLIENT_INPUT - 1)
		model_loosen(m);
	run(m);
}

void model_server(struct model *m, const char *data, size_t len)
{
	if (m->waits_for_end)
		model_loosen(m);	/* a 421 or 5xx may still be passed on (E57) */
	if (m->loose || m->over)
		return;
	bytes_add(&m->server, data, len);
	if (m->server.len > SMTP_SERVER_INPUT - 1)
		model_loosen(m);
	run(m);
}

void model_verdict(struct model *m, enum verdict_action action)
{
	if (m->loose || m->over)
		return;
	model_judge(m, action);
	if (m->phase == MODEL_HOLD)
		push(m, m->tx_chunks ? CHUNK_END : DOT);
	run(m);
}
