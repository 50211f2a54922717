// SPDX-License-Identifier: GPL-2.0
/*
 * What is done with a command line: one function for each word in the column
 * `ask` of tbl/verbs.h. Forwarded as it is, or answered here in its slot; a
 * line whose verb is not surely known never reaches the exchanger (E40).
 */
#include "smtp/engine.h"

static void reply_here(struct smtp *s, const struct smtp_command *c, enum smtp_reply reply)
{
	smtp_slot_local(s, c->verb, reply, smtp_no_text, false);
}

static enum smtp_step forward(struct smtp *s, const struct smtp_command *c, struct smtp_text text)
{
	if (smtp_room(&c->turn->to_server) < c->words.len + 2) {
		s->stuck = SMTP_STUCK_SERVER;
		return SMTP_STEP_BLOCKED;
	}
	smtp_put(&c->turn->to_server, c->words.data, c->words.len);
	smtp_put(&c->turn->to_server, "\r\n", 2);
	smtp_slot_owe(s, c->verb, text);
	if (smtp_verb_flags(c->verb) & SMTP_VERB_IS_HOLD)
		s->phase = SMTP_HOLD;
	return SMTP_STEP_ON;
}

/* What is done with a line: the column `ask` of tbl/verbs.h. */

static enum smtp_step ask_forward(struct smtp *s, const struct smtp_command *c)
{
	return forward(s, c, smtp_no_text);
}

/* Asking for mailboxes is what a list of them is tried with (E36). */
static enum smtp_step ask_probe(struct smtp *s, const struct smtp_command *c)
{
	enum smtp_step step = forward(s, c, smtp_no_text);

	if (step == SMTP_STEP_ON)
		smtp_note(s, POSTERN_R_recipient_probe);
	return step;
}

static enum smtp_step ask_helo(struct smtp *s, const struct smtp_command *c)
{
	struct smtp_text text = c->args;

	smtp_text_skip_blanks(&text);
	while (text.len && smtp_blank(text.data[text.len - 1]))
		text.len--;
	return forward(s, c, text);
}

/* Does the class let a message of @size go up, our line in front of it (E31, E84)? */
static bool is_too_large(const struct smtp *s, const struct smtp_command *c, uint64_t size)
{
	uint64_t most = (uint64_t)s->env->class->max_size;
	char ours[SMTP_RECEIVED_ROOM];
	uint64_t len = 0;

	if (!most || !size)
		return false;
	if (s->env->class->received)
		len = smtp_received_text(s, c->turn->wall, ours);
	return size > most || len > most - size;
}

static enum smtp_step ask_mail(struct smtp *s, const struct smtp_command *c)
{
	struct smtp_path path;

	s->tls.mail_tried = true;
	if (smtp_path_parse(c->args, "from", &path)) {
		smtp_slot_local(s, c->verb, SMTP_REPLY_argument, smtp_no_text, false);
		return SMTP_STEP_ON;
	}
	if (path.binary || is_too_large(s, c, path.size)) {	/* E27, E31 */
		smtp_slot_local(s, c->verb, path.binary ? SMTP_REPLY_parameter :
				SMTP_REPLY_size, path.mailbox, false);
		return SMTP_STEP_ON;
	}
	s->utf8 = path.utf8;
	return forward(s, c, path.mailbox);
}

/* E78. Which of the outstanding ones will be accepted is not known, so they are awaited. */
static enum smtp_step ask_rcpt(struct smtp *s, const struct smtp_command *c)
{
	uint64_t most = (uint64_t)s->env->class->max_recipients;
	struct smtp_path path;

	if (smtp_path_parse(c->args, "to", &path)) {
		smtp_slot_local(s, c->verb, SMTP_REPLY_argument, smtp_no_text, false);
		return SMTP_STEP_ON;
	}
	if ((uint64_t)s->tx.recipients + s->owed < most)
		return forward(s, c, path.mailbox);
	if (s->owed)
		return SMTP_STEP_BLOCKED;
	smtp_note(s, POSTERN_R_recipient_limit);
	smtp_slot_local(s, c->verb, SMTP_REPLY_recipients, path.mailbox, false);
	return SMTP_STEP_ON;
}

/*
 * The reply stands behind RSET, so that octets sent before it are met as they
 * are behind any other DATA (E14, E16).
 */
static enum smtp_step refuse_data(struct smtp *s, const struct smtp_command *c)
{
	enum smtp_step step = s->owed ? SMTP_STEP_BLOCKED : smtp_reset_step(s, c->turn);

	if (step != SMTP_STEP_ON)
		return step;
	smtp_note(s, POSTERN_R_command_refused);
	reply_here(s, c, (enum smtp_reply)s->tx.refuse);
	return SMTP_STEP_ON;
}

/* Its 354 may be on the way: from here on the upstream leg ends by a reset only. */
static enum smtp_step ask_data(struct smtp *s, const struct smtp_command *c)
{
	enum smtp_step step;

	if (s->tx.refuse)
		return refuse_data(s, c);
	step = forward(s, c, smtp_no_text);
	if (step == SMTP_STEP_ON)
		s->message = (struct smtp_message) { .upstream = true };
	return step;
}

static enum smtp_step ask_refuse(struct smtp *s, const struct smtp_command *c)
{
	smtp_note(s, POSTERN_R_command_refused);
	reply_here(s, c, SMTP_REPLY_not_available);
	return SMTP_STEP_ON;
}

static enum smtp_step ask_auth(struct smtp *s, const struct smtp_command *c)
{
	enum conf_auth policy = (enum conf_auth)s->env->class->auth;

	if (policy == CONF_AUTH_PASS)
		return forward(s, c, smtp_no_text);
	smtp_note(s, POSTERN_R_auth_refused);
	reply_here(s, c, policy == CONF_AUTH_HIDE ? SMTP_REPLY_not_available :
		   SMTP_REPLY_auth_refused);
	return SMTP_STEP_ON;
}

static enum smtp_step ask_starttls(struct smtp *s, const struct smtp_command *c)
{
	bool refuse = s->env->class->starttls == CONF_STARTTLS_REFUSE;

	if (smtp_tls_passes(s))
		return forward(s, c, smtp_no_text);
	smtp_note(s, POSTERN_R_starttls_refused);
	reply_here(s, c, refuse ? SMTP_REPLY_tls_refused : SMTP_REPLY_not_available);
	return SMTP_STEP_ON;
}

static enum smtp_step ask_bdat(struct smtp *s, const struct smtp_command *c)
{
	return smtp_chunk_ask(s, c);
}

/* Another protocol's first line (E44). */
static enum smtp_step end_as_foreign(struct smtp *s)
{
	smtp_end_saying(s, SMTP_REPLY_closing_not_smtp, POSTERN_R_end_not_smtp);
	return SMTP_STEP_ON;
}

static enum smtp_step ask_unknown(struct smtp *s, const struct smtp_command *c)
{
	char first = c->line.data[0];
	bool word = smtp_lower(first) >= 'a' && smtp_lower(first) <= 'z';

	if (c->first && smtp_text_begins(c->line, "ssh-"))
		return end_as_foreign(s);
	/* After a DATA that was refused this is more likely body than a mistake (E14). */
	if (s->suspect) {
		smtp_end_saying(s, SMTP_REPLY_closing_desync, POSTERN_R_end_desync);
		return SMTP_STEP_ON;
	}
	smtp_note(s, POSTERN_R_command_refused);
	if (smtp_text_begins(c->line, "mail") || smtp_text_begins(c->line, "rcpt"))
		reply_here(s, c, SMTP_REPLY_argument);	/* E40 */
	else
		reply_here(s, c, word ? SMTP_REPLY_not_available : SMTP_REPLY_syntax);
	return SMTP_STEP_ON;
}

static enum smtp_step ask_foreign(struct smtp *s, const struct smtp_command *c)
{
	return c->first ? end_as_foreign(s) : ask_unknown(s, c);
}

#define PROXY SMTP_MODE_PROXY
#define LOCAL SMTP_MODE_LOCAL
#define REFUSED SMTP_MODE_REFUSED
#define VERB(word, ask, answer, modes, flags) [SMTP_VERB_##word] = { #word, ask_##ask, modes },
static const struct verb {
	const char	*word;
	enum smtp_step	(*ask)(struct smtp *s, const struct smtp_command *c);
	unsigned int	modes;
} verbs[] = {
#include "tbl/verbs.h"
};
#undef VERB
#undef PROXY
#undef LOCAL
#undef REFUSED

static enum smtp_verb verb_find(struct smtp_text word)
{
	int i;

	/* From there on the rows are no words of the client's. */
	for (i = 0; i < SMTP_VERB_greeting_; i++)
		if (smtp_text_is(word, verbs[i].word))
			return (enum smtp_verb)i;
	return SMTP_VERB_unknown_;
}

/* No exchanger behind us any more, or never (E17, E81). */
static enum smtp_step answer_alone(struct smtp *s, const struct smtp_command *c)
{
	if (c->verb == SMTP_VERB_QUIT) {
		smtp_end_with(s, SMTP_REPLY_bye, POSTERN_R_end_quit);
	} else if (verbs[c->verb].modes & s->mode) {
		reply_here(s, c, SMTP_REPLY_ok);
	} else if (s->mode == SMTP_MODE_REFUSED) {
		smtp_slot_local(s, SMTP_VERB_unknown_, SMTP_REPLY_order, smtp_no_text, false);
	} else {
		smtp_end_with(s, SMTP_REPLY_closing_after_reject,
				s->message.answer == SMTP_REPLY_verdict_later ?
				POSTERN_R_end_verdict_failed : POSTERN_R_end_rejected);
	}
	return SMTP_STEP_ON;
}

/* A chunk that was refused, or brings nothing. */
static bool is_junk_chunk(const struct smtp *s, enum smtp_verb verb)
{
	return verb == SMTP_VERB_BDAT &&
	       (s->phase == SMTP_CHUNK || s->phase == SMTP_HOLD);
}

void smtp_count_junk(struct smtp *s, enum smtp_verb verb)
{
	if (!(smtp_verb_flags(verb) & SMTP_VERB_IS_JUNK) && s->mode == SMTP_MODE_PROXY &&
	    !is_junk_chunk(s, verb))
		return;
	if (++s->junk < (uint64_t)s->env->class->max_junk || s->phase == SMTP_DEAF)
		return;
	smtp_end_with(s, SMTP_REPLY_closing_limit, POSTERN_R_end_junk);
}

static enum smtp_step ask_proxy(struct smtp *s, const struct smtp_command *c)
{
	if (!s->message.chunks || !(smtp_verb_flags(c->verb) & SMTP_VERB_IS_APART))
		return verbs[c->verb].ask(s, c);
	smtp_note(s, POSTERN_R_command_refused);
	reply_here(s, c, SMTP_REPLY_order);
	s->suspect = c->verb == SMTP_VERB_DATA;
	return SMTP_STEP_ON;
}

enum smtp_step smtp_ask(struct smtp *s, struct smtp_command *c)
{
	enum smtp_step step;

	c->args = c->words;
	c->verb = verb_find(smtp_text_word(&c->args));
	if (c->verb != SMTP_VERB_unknown_)
		s->suspect = false;
	if (s->mode == SMTP_MODE_PROXY)
		step = ask_proxy(s, c);
	else
		step = answer_alone(s, c);
	if (step == SMTP_STEP_ON)
		smtp_count_junk(s, c->verb);
	return step;
}

/* An answer to a challenge, or "*": not a command, and never looked into (E34). */
enum smtp_step smtp_ask_auth_line(struct smtp *s, struct smtp_command *c)
{
	c->verb = SMTP_VERB_auth_line_;
	return forward(s, c, smtp_no_text);
}

/* LF alone ends lines in other protocols too. */
void smtp_ask_unclean(struct smtp *s, const struct smtp_command *c)
{
	struct smtp_text line = { c->line.data, c->line.len - 1 };

	if (c->first && verbs[verb_find(smtp_text_word(&line))].ask == ask_foreign)
		end_as_foreign(s);
	else
		smtp_end_with(s, SMTP_REPLY_bare_newline, POSTERN_R_end_bare_newline);
}
