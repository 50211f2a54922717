/* SPDX-License-Identifier: GPL-2.0 */
/* What model.c (commands), model_reply.c and model_body.c (messages) share. */
#ifndef FUZZ_MODEL_BODY_H
#define FUZZ_MODEL_BODY_H

#include "model.h"

enum verb {
	GREETING, HELO, EHLO, MAIL, RCPT, DATA, BDAT, RSET, NOOP, QUIT, VRFY, EXPN, HELP, AUTH,
	STARTTLS, REFUSED, FOREIGN, UNKNOWN, CHUNK_LAST, CHUNK_END, AUTH_LINE, DOT,
};

/* The client must get this: a reply of ours, or the exchanger's text. */
void model_reply_ours(struct model *m, unsigned int code, unsigned int also);
void model_reply_theirs(struct model *m, const char *data, size_t len);
/* The oldest slot was answered. */
void model_pop(struct model *m);
/* The exchanger's next line; false when there is none. */
bool model_server_step(struct model *m);

void model_break(struct model *m, const char *what);
/* Both legs end; @rude: the client may get less than all, and a 421. */
void model_end(struct model *m, bool rude);
/* A message got its answer. */
void model_outcome(struct model *m, unsigned int code);
/* The answer to a message is ours, its upstream leg is gone. */
void model_refuse(struct model *m, unsigned int code);
/* The answer to a lost message is what the exchanger said too early (E19). */
void model_refuse_early(struct model *m);

void model_body_begin(struct model *m);
/* Octets of a message; true when its end has come. */
bool model_body(struct model *m);
void model_chunk_begin(struct model *m, size_t size, bool last);
/* Octets of a chunk; true when all of them have come. */
bool model_chunk(struct model *m);
/* The exchanger answered before the end. */
void model_early(struct model *m, unsigned int code);
void model_judge(struct model *m, enum verdict_action action);

static inline void model_take(struct bytes *b, size_t len)
{
	memmove(b->data, b->data + len, b->len - len);
	b->len -= len;
}

#endif
