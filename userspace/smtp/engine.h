/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of smtp/ share. Nothing here is for others; smtp.h is.
 *
 *   engine.c    turn loop, what comes in between turns, waits
 *   command.c   the client's lines		ask.c       what is done with one
 *   path.c      MAIL and RCPT			text.c      words and numbers
 *   body.c      the message			lost.c      one that will not be accepted
 *   newline.c   the same, line ends normalised
 *   chunk.c     one that comes by BDAT
 *   received.c  our line in front of it	local.c     our own replies
 *   reply.c     the exchanger's lines		ehlo.c      EHLO, rebuilt
 *   answer.c    what an answer changes		slot.c      the queue of replies
 *   end.c       how a session ends		tunnel.c    what STARTTLS leads to
 */
#ifndef SMTP_ENGINE_H
#define SMTP_ENGINE_H

#include <string.h>

#include "smtp/smtp.h"

#define SMTP_LINE_MAX		4096		/* command or reply line, with its end */
#define SMTP_AUTH_LINE_MAX	12288		/* E34 */
#define SMTP_SKIP_MAX		(64 * 1024)	/* E43 */
#define SMTP_REPLY_LINES	100		/* E61, E7 */
#define SMTP_REPLY_OCTETS	(64 * 1024)
#define SMTP_EHLO_OCTETS	SMTP_SERVER_INPUT
#define SMTP_SWALLOW_MAX	(1024 * 1024 * 1024)
#define SMTP_CHUNK_MAX		(1024 * 1024 * 1024)	/* E26 */
#define SMTP_LOCAL_ROOM		512		/* longest reply of ours */
#define SMTP_RECEIVED_ROOM	1024
#define SMTP_END_ROOM		16		/* "." or "BDAT 0 LAST" */

#define VERB(word, ask, answer, modes, flags) SMTP_VERB_##word,
enum smtp_verb {
#include "tbl/verbs.h"
	SMTP_VERB_COUNT
};
#undef VERB

/* `flags` of a verb. */
enum smtp_verb_flag {
	SMTP_VERB_IS_HOLD	= 0x01,
	SMTP_VERB_IS_TEXT	= 0x02,
	SMTP_VERB_IS_JUNK	= 0x04,
	SMTP_VERB_IS_APART	= 0x08,
};

enum smtp_mode {
	SMTP_MODE_PROXY		= 0x01,
	SMTP_MODE_LOCAL		= 0x02,
	SMTP_MODE_REFUSED	= 0x04,
};

/* What a step of the turn loop came to. */
enum smtp_step {
	SMTP_STEP_ON,		/* something was done: look again */
	SMTP_STEP_HUNGRY,	/* more input is needed */
	SMTP_STEP_BLOCKED,	/* waits for something else */
};

enum smtp_stuck {
	SMTP_STUCK_NOBODY,
	SMTP_STUCK_CLIENT,	/* to_client has too little room */
	SMTP_STUCK_SERVER,
};

/* A piece of text that belongs to somebody else. */
struct smtp_text {
	const char	*data;
	size_t		len;
};

extern const struct smtp_text smtp_no_text;

/* Buffers. */

static inline size_t smtp_room(const struct smtp_out *out)
{
	return out->size - out->len;
}

/* Append; the caller has looked at the room. */
static inline void smtp_put(struct smtp_out *out, const char *data, size_t len)
{
	if (len > smtp_room(out))
		return;
	memcpy(out->data + out->len, data, len);
	out->len += len;
}

static inline void smtp_take(struct smtp_in *in, size_t len)
{
	in->data += len;
	in->len -= len;
}

static inline char smtp_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static inline bool smtp_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Is @text exactly @word, whatever the case? */
bool smtp_text_is(struct smtp_text text, const char *word);
/* Does @text begin with @word, whatever the case? */
bool smtp_text_begins(struct smtp_text text, const char *word);
/* Is @word anywhere in @text, whatever the case? */
bool smtp_text_has(struct smtp_text text, const char *word);
/* Cut the first @n octets off, or all. */
void smtp_text_cut(struct smtp_text *text, size_t n);
void smtp_text_skip_blanks(struct smtp_text *text);
/* The octets up to a blank or the end, which are cut off. */
struct smtp_text smtp_text_word(struct smtp_text *text);
/* What stands before "=", or all; what stands behind it in @value, or nothing. */
struct smtp_text smtp_text_key(struct smtp_text word, struct smtp_text *value);
/*
 * A number in digits alone. Saturates at UINT64_MAX. Returns 0 or -EINVAL
 * (empty, or anything but digits).
 */
int smtp_text_number(struct smtp_text text, uint64_t *out);

/* Events. */
void smtp_tell(struct smtp *s, enum smtp_event_kind kind, unsigned int code,
	       struct smtp_text text);
void smtp_note(struct smtp *s, enum postern_reason reason);

/* slot.c */
struct smtp_slot *smtp_slot_first(struct smtp *s);
/* Is there a slot free, and room for the longest argument? */
bool smtp_slot_free(const struct smtp *s);
/* The exchanger will answer @verb; @text is kept when the verb's row says so. */
void smtp_slot_owe(struct smtp *s, enum smtp_verb verb, struct smtp_text text);
/* We answer @verb with @reply; @close ends the session with it. */
void smtp_slot_local(struct smtp *s, enum smtp_verb verb, enum smtp_reply reply,
		     struct smtp_text text, bool close);
/* Remove the oldest; its text is copied to @buf (FACTS_PATH octets), its length returned. */
size_t smtp_slot_pop(struct smtp *s, struct smtp_slot *slot, char *buf);
/* Keep only what can be answered without the exchanger. */
void smtp_slot_cut(struct smtp *s);
void smtp_slot_clear(struct smtp *s);
unsigned int smtp_verb_flags(enum smtp_verb verb);

/* command.c: the next command line, or what is left of one. */
enum smtp_step smtp_command_step(struct smtp *s, struct smtp_turn *t);
enum smtp_step smtp_skip_step(struct smtp *s, struct smtp_turn *t);

/* ask.c */
struct smtp_command {
	struct smtp_turn	*turn;
	struct smtp_text	line;	/* with its end, as it came */
	struct smtp_text	words;	/* without it */
	struct smtp_text	args;	/* of these, behind the verb */
	enum smtp_verb		verb;
	bool			first;	/* of the session */
};
/* A whole line with a proper end. STEP_BLOCKED: it was not taken. */
enum smtp_step smtp_ask(struct smtp *s, struct smtp_command *c);
/* The same within AUTH. */
enum smtp_step smtp_ask_auth_line(struct smtp *s, struct smtp_command *c);
/* A line with a bare CR, a bare LF or a NUL: the session ends. */
void smtp_ask_unclean(struct smtp *s, const struct smtp_command *c);
/* A command of @verb was taken: one too many that brings no mail ends the session. */
void smtp_count_junk(struct smtp *s, enum smtp_verb verb);

/* path.c */
struct smtp_path {
	struct smtp_text	mailbox;	/* without <> and source route */
	uint64_t		size;		/* SIZE=, 0 = none */
	bool			binary;		/* BODY=BINARYMIME */
	bool			utf8;		/* SMTPUTF8 */
};
/* What follows MAIL or RCPT; @word is "from" or "to". Returns 0 or -EINVAL. */
int smtp_path_parse(struct smtp_text args, const char *word, struct smtp_path *out);

/* body.c */
void smtp_body_begin(struct smtp *s);
enum smtp_step smtp_body_step(struct smtp *s, struct smtp_turn *t);
enum smtp_step smtp_verdict_step(struct smtp *s, struct smtp_turn *t);
/* Before the first octets of a message go up: it counts, and our line goes in front. */
void smtp_body_content_begin(struct smtp *s, struct smtp_turn *t);
/* Octets of the message, up and to the verdict. The caller has looked at the room. */
void smtp_body_put(struct smtp *s, struct smtp_turn *t, const char *data, size_t len);
/* Octets that may still go up before the class's limit is passed (E31, E84). */
uint64_t smtp_body_left(const struct smtp *s, const struct smtp_turn *t);
/* The last octet of the true end is the next: take it, and ask for the verdict. */
void smtp_body_end(struct smtp *s, struct smtp_turn *t);

/* newline.c: the message where the class normalises its line ends. */
void smtp_newline_body(struct smtp *s, struct smtp_turn *t);

/* The message is whole: the verdict is asked for. */
void smtp_body_whole(struct smtp *s);
/* A verdict other than ACCEPT, which has no meaning before the end: the message is lost. */
void smtp_body_judged(struct smtp *s);
/* What a verdict but ACCEPT and DROP is to the client. */
enum smtp_reply smtp_body_refusal(const struct smtp *s);
/*
 * Take octets of a chunk, of which @left are to come; some are there, and
 * room for two. Returns how many were taken; the message may be lost by them.
 */
size_t smtp_body_chunk(struct smtp *s, struct smtp_turn *t, size_t left);

/* chunk.c */
/* BDAT: taken, or refused and its octets swallowed (E20-E26). */
enum smtp_step smtp_chunk_ask(struct smtp *s, const struct smtp_command *c);
/* Octets of a chunk that goes up; of one that was refused. */
enum smtp_step smtp_chunk_body_step(struct smtp *s, struct smtp_turn *t);
enum smtp_step smtp_chunk_step(struct smtp *s, struct smtp_turn *t);
/* Throw away octets of the chunk in progress. True when none are left. */
bool smtp_chunk_swallow(struct smtp *s, struct smtp_turn *t);
/* The exchanger has refused a chunk with @code (E25). */
void smtp_chunk_refused(struct smtp *s, unsigned int code);
/* The verdict on a message whose chunks all went up is known (E24). */
void smtp_chunk_finish(struct smtp *s, struct smtp_turn *t);
/* Is the exchanger's answer to a chunk awaited? */
bool smtp_chunk_asked(struct smtp *s);
/* RSET to the exchanger, on our own account: the client never sees its answer (E16). */
enum smtp_step smtp_reset_step(struct smtp *s, struct smtp_turn *t);

/* lost.c */
/* The message is lost: upstream leg reset, the rest swallowed, @reply at its end. */
void smtp_lose(struct smtp *s, enum smtp_reply reply);
/* The exchanger has answered before the end; that goes out at the end (E19). */
void smtp_lost_early(struct smtp *s);
enum smtp_step smtp_lost_step(struct smtp *s, struct smtp_turn *t);
/* The end of a lost message has come. */
void smtp_lost_answer(struct smtp *s);
/* It does not come: the client gets the answer all the same, and the session ends. */
void smtp_lost_expire(struct smtp *s, enum postern_reason why);
/* The message got its answer, @code; 0 when it got none. Tells the owner, once. */
void smtp_message_end(struct smtp *s, unsigned int code);

/*
 * received.c: our line, with its ends, into @buf of SMTP_RECEIVED_ROOM octets.
 * Returns its length.
 */
size_t smtp_received_text(const struct smtp *s, uint64_t wall, char *buf);

/* Do octets of a message go up? */
static inline bool smtp_in_body(const struct smtp *s)
{
	return s->phase == SMTP_BODY || s->phase == SMTP_CHUNK_BODY;
}


/* reply.c: the next reply to the client, ours or the exchanger's. */
enum smtp_step smtp_reply_step(struct smtp *s, struct smtp_turn *t);

/* A line of the exchanger's. */
struct smtp_line {
	struct smtp_text	text;	/* without its end */
	size_t			taken;	/* with its end */
	unsigned int		code;
	bool			last;
};
/* Read the first line. 1 = read, 0 = not whole yet, -EPROTO = it is none. */
int smtp_line_read(struct smtp_text input, struct smtp_line *line);

/* ehlo.c: one line of an accepted EHLO. */
enum smtp_step smtp_ehlo_step(struct smtp *s, struct smtp_turn *t);

/* answer.c: the oldest slot was answered in full, with @code. */
void smtp_answered(struct smtp *s, struct smtp_turn *t, unsigned int code);
/* May the exchanger say @code now: to the oldest slot, to nothing, within a message? */
bool smtp_answer_legal(struct smtp *s, unsigned int code);

/* local.c: write a reply of ours. SMTP_LOCAL_ROOM octets are there. Returns its code. */
unsigned int smtp_local_put(const struct smtp *s, struct smtp_out *out, enum smtp_reply reply);
unsigned int smtp_local_code(const struct smtp *s, enum smtp_reply reply);

/* tunnel.c */
/* STARTTLS was answered with 220. */
void smtp_tunnel_begin(struct smtp *s);
/*
 * Has the client spoken behind its STARTTLS, of whose answer a line with @code
 * has come? What it said may have been put there by somebody on the way, and
 * would be in the exchanger's buffer when it switches to TLS (B12).
 */
bool smtp_tunnel_crowded(struct smtp *s, const struct smtp_turn *t, unsigned int code);
enum smtp_step smtp_tunnel_up_step(struct smtp *s, struct smtp_turn *t);
enum smtp_step smtp_tunnel_down_step(struct smtp *s, struct smtp_turn *t);
/* A side has ended, and what it had sent is passed on. False: nothing has changed. */
bool smtp_tunnel_settle(struct smtp *s, const struct smtp_turn *t, enum smtp_step down,
			enum smtp_step up);
/* Does the class let STARTTLS through? */
bool smtp_tls_passes(const struct smtp *s);
/* A line of a 530 has come: what does it name? */
void smtp_tls_read_530(struct smtp *s, struct smtp_text line);
/* A 530 is whole: tell the owner, once, if it means that TLS is wanted. */
void smtp_tls_wanted(struct smtp *s);
/* The session ends: has the client left because it was offered no TLS (E32)? */
void smtp_tls_note_leaving(struct smtp *s);

/* end.c. The first reason given stays. */

/* Say @reply, a 421, in place of all that the exchanger owes, then close (E7, E58). */
void smtp_end_saying(struct smtp *s, enum smtp_reply reply, enum postern_reason why);
/* Say @reply when its turn has come, then close; nothing more is taken (E45). */
void smtp_end_with(struct smtp *s, enum smtp_reply reply, enum postern_reason why);
/* Close both legs; nothing more is said. */
void smtp_end_quietly(struct smtp *s, enum postern_reason why);
/* Reset both legs. */
void smtp_end_abruptly(struct smtp *s, enum postern_reason why);
/* Give up the upstream leg alone: it must not see a whole message. */
void smtp_end_upstream(struct smtp *s);
/* The client's octets are worth nothing from here on; queued slots end the session. */
void smtp_end_listening(struct smtp *s, enum postern_reason why);

#endif
